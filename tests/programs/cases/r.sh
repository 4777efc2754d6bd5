#!/bin/sh
# r: data frames, linear models, matrices, strings and forked workers.
# package: r-base-core
# uses: fork
prepare()
{
    make-input csv 20000 >table.csv
    cat >work.R <<'R'
items <- read.csv(file.path(Sys.getenv("IN"), "table.csv"), stringsAsFactors = FALSE)
items$month <- substr(items$day, 1, 7)
print(head(sort(tapply(items$price, items$month, sum), decreasing = TRUE), 5))
fit <- lm(price ~ id + nchar(remark) + factor(substr(name, 1, 1)), data = items)
print(round(summary(fit)$r.squared, 8))
words <- unlist(strsplit(items$remark, " "))
print(head(sort(table(words), decreasing = TRUE), 6))
print(head(gsub("(b)(a)", "\\2\\1", unique(words)), 6))
set.seed(5)
m <- matrix(rnorm(90000), 300)
print(round(c(det(crossprod(m[, 1:5]) / 300), sum(solve(m) %*% m), sum(svd(m)$d)), 5))
print(unlist(parallel::mclapply(1:6, function(n) sum(as.numeric(factor(words)) %% n),
                                mc.cores = 2)))
lists <- lapply(1:40000, function(i) list(i, as.character(i), seq_len(i %% 9)))
print(sum(sapply(lists, function(l) nchar(l[[2]]) + length(l[[3]]))))
tryCatch(stop("a mistake"), error = function(e) print(conditionMessage(e)))
quit(status = 3)
R
}

work()
{
    status=0
    run Rscript --vanilla "$IN/work.R" || status=$?
    echo "exit status $status"
}
