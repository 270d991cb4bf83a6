# SPDX-License-Identifier: GPL-2.0
# The picture of the CPUID experiment, from the files "ring" and "tracepoint" of
# lines "milliseconds interval". docs/cpuid/run calls it with DIR and PICTURE.
set terminal svg size 900,560 font "sans-serif,13" background "white"
set output PICTURE
set multiplot layout 2,1
set grid
set key top right
set xlabel "time in ms"

set title "CPUID exits of one guest, seen twice"
set xrange [0:400]
set yrange [-1.6:1.6]
set ytics ("tracepoint" -1, "ring" 1)
plot DIR."/ring" using 1:(1) with impulses lw 2 lc rgb "#0060a0" notitle, \
     DIR."/tracepoint" using 1:(-1) with impulses lw 2 lc rgb "#c05000" notitle

set title "The time since the CPUID before"
set xrange [0:*]
set yrange [0:40]
set ytics 10
set ylabel "ms"
plot DIR."/tracepoint" using 1:2 with points pt 6 ps 0.8 lc rgb "#c05000" title "tracepoint", \
     DIR."/ring" using 1:2 with points pt 7 ps 0.3 lc rgb "#0060a0" title "ring"
