#!/bin/sh
# tmux: a server with many windows and panes, much output, layouts, buffers and formats.
# package: tmux
# uses: fork
prepare()
{
    make-input text 4000 >text
}

tm()
{
    run tmux -S socket "$@"
}

work()
{
    tm -f /dev/null new-session -d -s one -x 120 -y 40 'exec cat'
    tm set -g history-limit 20000
    tm set -g remain-on-exit on
    tm set -g automatic-rename off
    for n in 1 2 3 4 5 6; do
        tm new-window -n "w$n" "cd '$IN'; cat text text text text; echo done-$n; exec cat"
        await sh -c "tmux -S socket capture-pane -p -t one:w$n | grep -q done-$n"
        tm capture-pane -p -S - -t "one:w$n" | cksum
    done
    for n in 1 2 3 4 5; do
        tm split-window -t one:w1 'exec cat'
        tm select-layout -t one:w1 tiled
    done
    for n in 1 2 3 4 5 6 7 8; do
        tm resize-window -t one:w2 -x $((60 + n * 10)) -y $((20 + n))
        tm capture-pane -p -S - -J -t one:w2 | cksum
        tm set-buffer -b "b$n" "$(head -c 3000 "$IN/text")"
    done
    tm list-buffers -F '#{buffer_name} #{buffer_size}'
    tm list-panes -a -F '#{window_name}' | cksum
    tm send-keys -t one:w3 -l 'typed by hand'
    await sh -c 'tmux -S socket capture-pane -p -t one:w3 | grep -q "typed by hand"'
    tm kill-window -t one:w4
    tm kill-server
    await sh -c '! tmux -S socket list-sessions'
    tm list-sessions 2>/dev/null || echo "exit status $?"
}
