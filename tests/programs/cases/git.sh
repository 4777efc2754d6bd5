#!/bin/sh
# git: add, commit, branch, merge, threaded gc, blame, grep, clone and fsck.
# package: git
# uses: threads fork
# set: ci
prepare()
{
    make-input tree tree 2500
}

work()
{
    export GIT_AUTHOR_DATE='2024-01-02T03:04:05Z' GIT_COMMITTER_DATE='2024-01-02T03:04:05Z'
    export GIT_CONFIG_NOSYSTEM=1 GIT_PAGER=cat
    run git init -q -b main repository
    cd repository
    run git config user.name Tester
    run git config user.email tester@example.org
    run git config pack.threads 2
    run git config gc.auto 0
    cp -R "$IN/tree" .
    run git add .
    run git commit -q -m 'all files'
    for n in 1 2 3 4 5 6 7 8; do
        run git switch -q -c "topic-$n" main
        find . -name "f00${n}?$n.txt" -exec sed -i "s/ba/topic $n/" {} +
        run git commit -q -a -m "topic $n"
    done
    run git switch -q main
    run git merge -q -m octopus topic-1 topic-2 topic-3 topic-4 topic-5
    run git merge -q -m one topic-6
    run git gc -q --aggressive
    run git log --graph --stat --format='%H %s' | sha256sum
    run git log -p --all -M | sha256sum
    run git blame "$(git ls-files | head -100 | tail -1)" | cksum
    run git grep -c --threads 2 'topic [0-9]' | sort | tail -3
    run git rev-parse main topic-8
    run git fsck --full
    run git clone -q --no-local . ../copy
    run git -C ../copy diff --stat HEAD~1 | tail -1
    run git merge-base --is-ancestor topic-7 main || echo "exit status $?"
}
