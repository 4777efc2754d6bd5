#!/bin/sh
# sbcl: maps its own heap at a fixed place; compiles functions, hashes, threads, foreign memory.
# package: sbcl
# uses: threads
prepare()
{
    cat >work.lisp <<'LISP'
(defun primes (n)
  (loop with found = '() for i from 2 to n
        unless (some (lambda (p) (zerop (mod i p))) found) do (push i found)
        finally (return (reduce #'+ found))))
(compile 'primes)
(let ((threads (loop for n in '(3000 4000 5000 6000)
                     collect (let ((n n)) (sb-thread:make-thread (lambda () (primes n)))))))
  (print (mapcar #'sb-thread:join-thread threads)))
(let ((table (make-hash-table :test 'equal)))
  (dotimes (i 200000) (push i (gethash (format nil "~d" (mod i 4999)) table)))
  (print (hash-table-count table)))
(let ((blocks (loop for i from 1 to 120000
                    collect (sb-alien:make-alien (sb-alien:unsigned 8) (1+ (mod (* i 37) 900))))))
  (print (length blocks))
  (mapc #'sb-alien:free-alien blocks))
(dotimes (i 60) (eval `(defun ,(intern (format nil "F~d" i)) (x) (+ x ,i (length (list x x))))))
(sb-ext:gc :full t)
(print (integer-length (expt 7 9000)))
(terpri)
(sb-ext:exit :code 23)
LISP
}

work()
{
    status=0
    run sbcl --no-sysinit --no-userinit --disable-debugger --load "$IN/work.lisp" || status=$?
    echo "exit status $status"
}
