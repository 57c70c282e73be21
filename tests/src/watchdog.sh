# Owns one temporary folder and the server in it, for as long as its standard input is open.
#
# usage: sh -c "$(cat watchdog.sh)" watchdog PARENT_FOLDER SIGNAL
#
# The other end of standard input is held by the test process alone. The system closes it when that
# process ends, also after SIGKILL, so the clean-up at the end needs nobody's co-operation.
#
# First prints the folder. Then each line read is one of
#   run COMMAND     runs it to its end; its output is in the file `output`, its status in `ran`
#   start COMMAND   starts the server; in the folder are then `log`, `pid`, and `exit_status` as soon
#                   as the server has ended
#   stop            stops the server with SIGNAL
parent=$1
signal=$2

# Whoever asked for the folder may be gone before it is told of it.
trap '' PIPE
folder=$(mktemp -d "$parent/sharded-migrations-XXXXXX") ||
    folder=$(mktemp -d /tmp/sharded-migrations-XXXXXX) || exit 1
cd "$folder" || exit 1
echo "$folder"
exec >/dev/null 2>&1
trap - PIPE

# Caught and not ignored, as children inherit what is ignored. A signal at worst ends the loop below
# early, and then too nothing is left behind.
trap : HUP INT TERM

export HOME="$folder"

# The signal is repeated because a server that has only just been forked still ignores it.
stop() {
    tries=0
    while [ -e pid ] && [ ! -e exit_status ]; do
        tries=$((tries + 1))
        [ "$tries" -gt 1000 ] && signal=KILL
        kill -s "$signal" "$(cat pid)"
        sleep 0.01
    done
}

while read -r verb command; do
    case $verb in
    run)
        eval "$command" </dev/null >output 2>&1
        echo $? >ran.new
        mv ran.new ran
        ;;
    start)
        (
            eval "exec $command" </dev/null >>log 2>&1 &
            echo $! >pid
            wait $!
            echo $? >exit_status
        ) &
        until [ -s pid ]; do sleep 0.01; done
        ;;
    stop) stop ;;
    esac
done

stop
cd /
tries=0
until rm -rf "$folder" || [ "$tries" -gt 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
