# Runs the kernel ("$@"). The runner holds this shell's stdin: when that ends, by intent or because the runner died,
# the kernel and all its processes are killed (SIGTERM would leave it spinning) and the temporary folder goes.
folder=$1
shift
ulimit -c 0
exec 9<&0
setsid "$@" </dev/null 9<&- &
kernel=$!
exec >&- 2>&- 3>&- 4>&-
(read -r _; kill -s KILL -- -$kernel $kernel) <&9 &
wait $kernel
kill -s KILL -- -$kernel $!
wait
rm -rf "$folder"
