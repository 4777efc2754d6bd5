#!/bin/sh
# imagemagick: resizes, blurs, composes and quantises.
# package: imagemagick-6.q16
prepare()
{
    make-input image 500 >image.ppm
}

work()
{
    for step in '-resize 700x300!' '-blur 0x3' '-colors 64' '-rotate 31' '-sharpen 0x2 -negate' \
        '-distort Perspective 0,0,20,30,499,0,450,10,0,499,5,480,499,499,480,470' \
        '-despeckle -paint 2' '-statistic Median 5x5' '-crop 90x90 +repage -append'; do
        # shellcheck disable=SC2086   # words are wanted
        run convert "$IN/image.ppm" $step rgb:- | cksum
    done
    run convert "$IN/image.ppm" -define png:exclude-chunk=date,time work.png
    run convert work.png -quality 80 work.jpg
    run identify -format '%m %wx%h %k %[mean]\n' work.png work.jpg
    run compare -metric RMSE work.png work.jpg null: || echo " exit status $?"
    run montage work.png work.jpg work.png -geometry 100x100+2+2 ppm:- | cksum
    run convert missing.png x.png 2>said || echo "exit status $?"
    sed 's/@.*//' said
}
