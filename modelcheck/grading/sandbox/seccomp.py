"""A filter of system calls: what no model needs, and what a hole in the kernel would be reached by."""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

from modelcheck.grading.sandbox import kernel

# numbers on x86-64 and on 64-bit ARM: asm/unistd_64.h and asm-generic/unistd.h
_REFUSED = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "adjtimex": (159, 171),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "clock_settime": (227, 112),
    "delete_module": (176, 106),
    "fanotify_init": (300, 262),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "memfd_create": (319, 279),  # memory that counts for no process
    "memfd_secret": (447, 447),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "mq_open": (240, 180),  # queues and semaphores outlive whoever made them
    "msgget": (68, 186),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_madvise": (440, 440),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "semget": (64, 190),
    "setdomainname": (171, 162),
    "sethostname": (170, 161),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "shmget": (29, 194),  # likewise
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
}
# what reaches other processes of the same user, where these have no namespace of their own
_REFUSED_WITHOUT_NAMESPACES = {
    "connect": (42, 203),
    "ioprio_set": (251, 30),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "pidfd_send_signal": (424, 424),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "setpriority": (141, 140),
    "tkill": (200, 130),
}
# rights, times and labels of the grader's files where the author's code has its user; Landlock knows no right for them
_ALTERING = {
    "chmod": (90, None),
    "chown": (92, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "fremovexattr": (199, 16),
    "fsetxattr": (190, 7),
    "futimesat": (261, None),
    "lchown": (94, None),
    "lremovexattr": (198, 15),
    "lsetxattr": (189, 6),
    "removexattr": (197, 14),
    "removexattrat": (466, 466),
    "setxattr": (188, 5),
    "setxattrat": (463, 463),
    "utime": (132, None),
    "utimensat": (280, 88),
    "utimes": (235, None),
}
_ON_ITSELF_ALONE = {  # their first argument is 0
    "prlimit64": (302, 261),
    "sched_setaffinity": (203, 122),
    "sched_setattr": (314, 274),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
}
_TO_ITSELF_ALONE = {  # their first argument is the process's own number
    "kill": (62, 129),
    "tgkill": (234, 131),
}
# the second argument of fcntl and of ioctl by which a signal goes to another process: F_SETOWN, F_SETSIG, F_SETOWN_EX,
# and FIOSETOWN, SIOCSPGRP
_OWNING = (((72, 25), (8, 10, 15)), ((16, 29), (0x8901, 0x8902)))
_FORKS = ((57, None), (58, None))
_CLONE, _CLONE3, _SOCKET, _SOCKETPAIR = (56, 220), (435, 435), (41, 198), (53, 199)

_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_NEW_NAMESPACES, _THREAD = 0x7E020080, 0x10000  # of clone's flags
_UNIX, _INTERNET, _INTERNET_6, _NETLINK = 1, 2, 10, 16  # the families of sockets that a network namespace holds
_STREAM, _KINDS = 1, 0xF
_X32 = 0x40000000
_FILTER = 2
_SET_SECCOMP = 22

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000

Instruction = tuple[int, int, int, int]


def is_known() -> bool:
    """Whether there is a filter for this kind of processor."""
    return platform.machine() in _ARCHITECTURES


def refuse_calls(*, own_namespaces: bool, pid: int) -> None:
    """Refuse, from now on and in everything that this process starts, what no model needs; for good.

    Args:
        own_namespaces: whether its processes and its network are its own. Where they are not, sockets are refused
            but for those that are connected from the start, and so are signals to other processes, and to start a
            process: what starts others faster than they are found could not be ended.
        pid: which may send signals to itself.
    """
    program = b"".join(struct.pack("HBBI", *one) for one in _program(own_namespaces=own_namespaces, pid=pid))
    buffer = ctypes.create_string_buffer(program, len(program))
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer)))
    kernel.prctl(_SET_SECCOMP, _FILTER, ctypes.cast(header, ctypes.c_void_p))


def _program(*, own_namespaces: bool, pid: int) -> list[Instruction]:
    column, architecture = _ARCHITECTURES[platform.machine()]
    program: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),  # calls of 32 bits have other numbers
        (_LOAD, 0, 0, _NUMBER),
    ]
    if column == 0:
        program += [(_AT_LEAST, 0, 1, _X32), _refusal(errno.ENOSYS)]
    refused = _REFUSED if own_namespaces else {**_REFUSED, **_REFUSED_WITHOUT_NAMESPACES, **_ALTERING}
    for numbers in refused.values():
        if (number := numbers[column]) is not None:  # the newer architecture has fewer
            program += [(_EQUAL, 0, 1, number), _refusal(errno.EPERM)]
    program += [(_EQUAL, 0, 1, _CLONE3[column]), _refusal(errno.ENOSYS)]  # its flags cannot be seen; clone's can
    program += _where(_CLONE[column], [_argument(0), (_ANY_BIT, 0, 1, _NEW_NAMESPACES), _refusal(errno.EPERM)])
    if own_namespaces:
        families = (_UNIX, _INTERNET, _INTERNET_6, _NETLINK)
        known = [(_EQUAL, len(families) - place, 0, family) for place, family in enumerate(families)]
        program += _where(_SOCKET[column], [_argument(0), *known, _refusal(errno.EAFNOSUPPORT)])
    else:
        program += _where(_CLONE[column], [_argument(0), (_ANY_BIT, 1, 0, _THREAD), _refusal(errno.EAGAIN)])
        for numbers in _FORKS:
            if (number := numbers[column]) is not None:
                program += [(_EQUAL, 0, 1, number), _refusal(errno.EAGAIN)]
        for numbers in _ON_ITSELF_ALONE.values():
            program += _where(numbers[column], [_argument(0), (_EQUAL, 1, 0, 0), _refusal(errno.EPERM)])
        for numbers in _TO_ITSELF_ALONE.values():
            program += _where(numbers[column], [_argument(0), (_EQUAL, 1, 0, pid), _refusal(errno.EPERM)])
        for numbers, wanted in _OWNING:
            checks = [one for value in wanted for one in ((_EQUAL, 0, 1, value), _refusal(errno.EPERM))]
            program += _where(numbers[column], [_argument(1), *checks])
        for numbers in (_SOCKET, _SOCKETPAIR):
            # of a stream nothing can be sent to another address
            program += _where(
                numbers[column],
                [
                    _argument(0),
                    (_EQUAL, 1, 0, _UNIX),
                    _refusal(errno.EPERM),
                    _argument(1),
                    (_AND, 0, 0, _KINDS),
                    (_EQUAL, 1, 0, _STREAM),
                    _refusal(errno.EPERM),
                ],
            )
    return [*program, (_RETURN, 0, 0, _ALLOW)]


def _where(number: int, instructions: list[Instruction]) -> list[Instruction]:
    """The instructions for the call with that number; the others pass them."""
    return [(_EQUAL, 0, len(instructions) + 1, number), *instructions, (_LOAD, 0, 0, _NUMBER)]


def _argument(index: int) -> Instruction:
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * index)  # its lower half, as both kinds are little-endian


def _refusal(number: int) -> Instruction:
    return (_RETURN, 0, 0, _ERROR | number)
