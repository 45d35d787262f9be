"""Holds listening Unix sockets as a socket unit of systemd does, and runs a
program behind them: the descriptors are its first ones behind standard error,
LISTEN_FDS says how many. Ends with the program's last process.

    socket_unit.py COUNT SOCKET... -- PROGRAM ARGUMENT...

COUNT processes run at a time. SIGHUP is `systemctl restart`: SIGTERM, wait for
the end, start. SIGTERM is `systemctl stop`.
"""

import fcntl
import os
import signal
import socket
import subprocess
import sys

count = int(sys.argv[1])
end = sys.argv.index("--")
paths, command = sys.argv[2:end], sys.argv[end + 1 :]

listeners = []
for path in paths:
    listener = socket.socket(socket.AF_UNIX)
    if os.path.exists(path):
        os.unlink(path)
    listener.bind(path)
    os.chmod(path, 0o666)
    listener.listen(4096)
    # Out of the way of the numbers that it gets.
    listeners.append(fcntl.fcntl(listener.detach(), fcntl.F_DUPFD, 100))
for number, descriptor in enumerate(listeners):
    os.dup2(descriptor, 3 + number)

# sd_listen_fds_with_names(3): the unit's file names them by FileDescriptorName=.
names = [os.path.basename(path).removesuffix(".sock") for path in paths]
environment = {
    **os.environ,
    "LISTEN_FDS": str(len(paths)),
    "LISTEN_FDNAMES": ":".join(names),
}
descriptors = range(3, 3 + len(paths))


def start():
    return [
        subprocess.Popen(
            command,
            env=environment,
            pass_fds=descriptors,
            # The program hears what is held back here.
            preexec_fn=lambda: signal.pthread_sigmask(
                signal.SIG_UNBLOCK, wanted
            ),
        )
        for _ in range(count)
    ]


def stop(processes):
    for process in processes:
        process.send_signal(signal.SIGTERM)
    return max(process.wait() for process in processes)


wanted = {signal.SIGHUP, signal.SIGTERM, signal.SIGCHLD}
signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
running = start()
while True:
    got = signal.sigwait(wanted)
    if got == signal.SIGHUP:
        stop(running)
        running = start()
    elif got == signal.SIGTERM:
        sys.exit(stop(running))
    elif all(process.poll() is not None for process in running):
        sys.exit(max(process.returncode for process in running))
