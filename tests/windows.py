"""What Windows lacks."""

#: Modules of the standard library that Windows lacks, and functions of `os` and `signal` that it lacks.
POSIX = {"fcntl", "resource", "pwd", "grp", "termios", "pty", "tty"}
LACKING = {"fork", "statvfs", "uname", "geteuid", "getuid", "getpgid", "killpg", "mkfifo", "sysconf", "SIGKILL"}
