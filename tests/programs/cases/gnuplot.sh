#!/bin/sh
# gnuplot: fits curves, draws surfaces and data as SVG and as text.
# package: gnuplot-nox
prepare()
{
    make-input csv 70000 >table.csv
    cat >work.gp <<'GP'
set datafile separator ','
set terminal svg
set output 'points.svg'
plot 'table.csv' every ::1 using 1:3 with points, '' every ::1 using 1:3 smooth bezier
set output 'surface.svg'
set isosamples 140
set hidden3d
splot sin(x) * cos(y) * exp(-x * x / 30) with lines
set output 'contour.svg'
set contour both
unset hidden3d
splot x * x - y * y
set output
f(x) = a + b * x + c * sin(x / 1000.0)
a = 500
b = 0.001
c = 1
set fit quiet logfile 'fit.log'
fit f(x) 'table.csv' every ::1 using 1:3 via a, b, c
print sprintf('%.4f %.6f %.4f', a, b, c)
stats 'table.csv' every ::1 using 1:3 nooutput
print sprintf('%.3f %.3f %.3f', STATS_mean_y, STATS_stddev_y, STATS_correlation)
do for [n = 1:300] { s = sprintf('%s%d', n % 40 ? s : '', n); }
print s
set terminal dumb 70 20
plot sin(x), cos(x)
GP
    sed -i '1i s = ""' work.gp
}

work()
{
    cp "$IN/table.csv" .
    run gnuplot "$IN/work.gp"
    cksum points.svg surface.svg contour.svg
}
