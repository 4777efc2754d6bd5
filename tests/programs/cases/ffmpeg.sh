#!/bin/sh
# ffmpeg: makes pictures and sound, filters, encodes with threads, decodes and compares.
# package: ffmpeg
# uses: threads
work()
{
    ff="run ffmpeg -v error -nostdin -threads 2 -flags +bitexact -fflags +bitexact"
    $ff -f lavfi -i testsrc2=s=320x240:d=6 -f lavfi -i 'sine=f=440:d=6' \
        -vf 'hue=h=t*40,unsharp,rotate=t/5' -c:v mpeg4 -b:v 800k -c:a flac -shortest -y work.mkv
    $ff -i work.mkv -map 0 -f framemd5 - | sha256sum
    $ff -i work.mkv -vf 'scale=200:150,split[a][b];[b]edgedetect[c];[a][c]hstack' \
        -c:v ffv1 -slices 4 -an -y edges.mkv
    $ff -i edges.mkv -f md5 -
    $ff -i work.mkv -filter_complex 'showwavespic=s=300x100' -frames:v 1 -f rawvideo - | cksum
    $ff -i work.mkv -af 'aecho,atempo=1.3,aresample=22050' -f s16le - | cksum
    run ffprobe -v error -of compact \
        -show_entries stream=codec_name,width,height,sample_rate work.mkv
    $ff -i missing.mkv -f null - || echo "exit status $?"
}
