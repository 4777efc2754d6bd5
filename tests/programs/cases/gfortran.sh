#!/bin/sh
# gfortran: compiles modules with allocatable arrays and OpenMP, and runs the program.
# package: gfortran
# uses: threads fork
prepare()
{
    cat >work.f90 <<'F90'
module things
  implicit none
  type item
    character(:), allocatable :: name
    real(8), allocatable :: values(:)
  end type
contains
  function make(n) result(made)
    integer, intent(in) :: n
    type(item) :: made
    character(20) :: text
    integer :: i
    write (text, '(a, i0)') 'item ', n
    made%name = trim(text)
    made%values = [(sqrt(real(i * n, 8)), i = 1, mod(n, 50) + 1)]
  end function
end module
program work
  use things
  implicit none
  type(item), allocatable :: items(:)
  real(8), allocatable :: a(:, :)
  real(8) :: total
  integer :: n, round
  total = 0
  do round = 1, 30
    allocate (items(2000))
    !$omp parallel do reduction(+:total)
    do n = 1, 2000
      items(n) = make(n + round)
      total = total + sum(items(n)%values) + len(items(n)%name)
    end do
    deallocate (items)
  end do
  allocate (a(200, 200))
  a = reshape([(mod(n * 7, 13), n = 1, 40000)], [200, 200])
  write (*, '(f0.3, 1x, f0.1)') total, sum(matmul(a, transpose(a)))
  stop 19
end program
F90
    {
        echo 'module many'
        echo 'contains'
        seq 1 400 | sed 's/.*/  pure function f&(x) result(y)\
    real(8), intent(in) :: x(:)\
    real(8) :: y(size(x))\
    y = sin(x) * &.0d0 + merge(x, -x, x > &.0d0)\
  end function/'
        echo 'end module'
    } >many.f90
}

work()
{
    run gfortran -O1 -c "$IN/many.f90" -o many.o
    run gfortran -O2 -fopenmp "$IN/work.f90" -o work
    status=0
    OMP_NUM_THREADS=3 run ./work || status=$?
    echo "exit status $status"
    echo 'program wrong; x = ; end' >wrong.f90
    run gfortran -c wrong.f90 || echo "exit status $?"
}
