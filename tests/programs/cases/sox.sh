#!/bin/sh
# sox: makes, mixes, filters, stretches and measures sound, with threads.
# package: sox
# uses: threads
work()
{
    run sox -D -R -n -r 44100 -b 16 one.wav synth 16 sine 300-3300 tremolo 5 gain -6
    run sox -D -R -n -r 44100 -b 16 two.wav synth 16 pluck C3 gain -6
    run sox -D -R --multi-threaded -M one.wav two.wav -c 2 both.wav
    for effect in 'reverb 60' 'tempo 1.4' 'pitch 300' 'rate -v 22050' \
        'compand 0.1,0.3 -60,-40,-10' \
        'chorus 0.7 0.9 55 0.4 0.25 2 -t' 'equalizer 1000 2q 9' 'sinc 400-3000' 'reverse'; do
        # shellcheck disable=SC2086   # words are wanted
        run sox -D -R --multi-threaded both.wav -t raw - $effect | cksum
    done
    run sox both.wav -n stat 2>&1 | tail -12
    run sox -D -R both.wav both.flac
    run sox -D both.flac -t s16 - | cksum
    run soxi -D -r -c both.flac
    run sox missing.wav -n stat 2>/dev/null || echo "exit status $?"
}
