# PID 1 of the User Mode Linux that tools/uml.mjs boots. $1 is the runner's temporary folder; the runner puts in front
# of this script modules(), which prints where they are, and job(), which becomes the command. Its own errors
# go to the kernel's console, which the runner shows when something fails.
set -e
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LIBMOUNT_FORCE_MOUNT2=always # hostfs takes a bare path, which only the old mount call can pass

# The host's files stay read-only below an overlay on tmpfs. Its paths are relative: they may hold any character.
release=$(uname -r)
modules=$(modules "$release")
insmod "$modules"/kernel/fs/overlayfs/overlay.ko* 2>/dev/null || : # or it is built in
mount -t tmpfs -o mode=755 tmpfs "$1"
cd "$1"
mkdir upper work root
mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work overlay root
cd root
# This moves the kernel's own threads too: its module loading finds modprobe and the modules here.
pivot_root . .
umount -n -l .
cd /
mount -n -a -T "$1/fstab"
mkdir -p /lib/modules
[ -z "$modules" ] || ln -sfn "$modules" "/lib/modules/$release"
modprobe -q ipv6 || : # every host has it
echo uml >/proc/sys/kernel/hostname
ip link set lo up

# The command writes to pipes, as it would on the host; raw terminals carry them to the runner.
stty -F /dev/tty1 raw
stty -F /dev/tty2 raw
exec 6>/dev/tty1 7>/dev/tty2 8>/dev/tty3
mkfifo /run/stdout /run/stderr
cat </run/stdout >&6 & stdout=$!
cat </run/stderr >&7 & stderr=$!
exec 4>/run/stdout 5>/run/stderr
rm /run/stdout /run/stderr
echo ready >&8
status=0
(exec >&4 2>&5 4>&- 5>&- 6>&- 7>&- 8>&- </dev/null; job) || status=$?
exec 4>&- 5>&-

# End what the command left behind (stopped first, or it could fork away), let the rest of the output through.
kill -s STOP -- -1
for process in /proc/[0-9]*; do
  case ${process#/proc/} in 1 | "$stdout" | "$stderr") ;; *) kill -s KILL "${process#/proc/}" 2>/dev/null || : ;; esac
done
kill -s CONT "$stdout" "$stderr" 2>/dev/null || :
wait "$stdout" "$stderr"
stty -F /dev/tty1 raw # waits until all is written
stty -F /dev/tty2 raw
sync
echo "exit $status" >&8
echo o >/proc/sysrq-trigger # power off; if that fails, the runner ends the kernel
exec sleep infinity
