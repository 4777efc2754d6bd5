#!/bin/sh
# povray: traces a scene of hundreds of objects with two threads.
# package: povray
# uses: threads
prepare()
{
    cat >work.pov <<'POV'
#version 3.7;
global_settings { assumed_gamma 1.0 }
camera { location <0, 6, -14> look_at <0, 1, 0> }
light_source { <10, 20, -10> color rgb 1 }
plane { y, 0 pigment { checker color rgb 1 color rgb 0.3 } finish { reflection 0.2 } }
#declare S = seed(7);
#for (I, 1, 12000)
    sphere { <rand(S) * 16 - 8, rand(S) * 3, rand(S) * 12 - 4>, 0.2 + rand(S) * 0.3
        texture { pigment { color rgb <rand(S), rand(S), rand(S)> } finish { phong 0.8 } } }
#end
#declare Blob = blob { threshold 0.6
    #for (I, 1, 30) sphere { <rand(S) * 3, rand(S) * 3, rand(S) * 3>, 1, 1 } #end }
object { Blob translate <-2, 0, -3> pigment { granite } }
superellipsoid { <0.4, 0.7> rotate <20, 30, 0> translate <3, 1.5, -4>
    pigment { color rgb <0.9, 0.5, 0.1> } }
POV
}

# No isosurface: what a thread found of its gradient changes what it traces next.
work()
{
    run povray +I"$IN/work.pov" +Owork.ppm +FP +W480 +H360 +WT2 -D -GA +A0.3 -J 2>said
    tail -c 518400 work.ppm | cksum     # without the date in its head
    echo 'sphere { <0, 0' >wrong.pov
    run povray +Iwrong.pov +Owrong.ppm +FP -D -GA 2>said || echo "exit status $?"
}
