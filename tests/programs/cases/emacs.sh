#!/bin/sh
# emacs: buffers, hash tables, regular expressions, sorting and byte compilation.
# package: emacs-nox
prepare()
{
    make-input text 70000 >text
    cat >work.el <<'EL'
(defun count-words-of (buffer)
  (let ((table (make-hash-table :test 'equal)))
    (with-current-buffer buffer
      (goto-char (point-min))
      (while (re-search-forward "\\b\\([a-z]+\\)\\b" nil t)
        (puthash (match-string 1) (1+ (gethash (match-string 1) table 0)) table)))
    table))
(defun begin ()
  (with-temp-buffer
    (insert-file-contents (concat (getenv "IN") "/text"))
    (let (found)
      (maphash (lambda (k v) (push (cons v k) found)) (count-words-of (current-buffer)))
      (setq found (sort found (lambda (a b) (or (> (car a) (car b))
                                                (and (= (car a) (car b))
                                                     (string< (cdr a) (cdr b)))))))
      (princ (format "%S\n" (seq-take found 6))))
    (sort-lines nil (point-min) (point-max))
    (goto-char (point-min))
    (while (re-search-forward "\\(b\\)\\(a\\)" nil t)
      (replace-match "\\2\\1"))
    (princ (format "%s\n" (md5 (current-buffer))))
    (call-process-region (point-min) (point-max) "rev" t t)
    (princ (format "%s\n" (secure-hash 'sha256 (current-buffer)))))
  (dotimes (i 3000)
    (with-current-buffer (get-buffer-create (format " *b%d*" (% i 200)))
      (insert (make-string (% i 977) ?x) (propertize "face" 'face 'bold))
      (when (> (buffer-size) 5000) (kill-buffer))))
  (garbage-collect)
  (princ (format "%d %s\n" (length (buffer-list)) (number-to-string (expt 3 500)))))
EL
}

work()
{
    cp "$IN/work.el" .
    run emacs -Q --batch -f batch-byte-compile work.el
    run emacs -Q --batch -l ./work.elc -f begin
    run emacs -Q --batch --eval '(error "a mistake")' || echo "exit status $?"
}
