; Runs before the emulator's first instruction, in the process of each program of another machine that is started.
;
; A program that the sandbox lends, at its own path below /dev/kiln/programs, is started instead: the same program for
; the machine that is there, which does in a millisecond what takes twenty to be emulated. Whatever does not fit,
; the emulator goes on as if this were not here. What is lent, and why that is safe, is the business of emulate.py.
;
; Position-independent, assembled as plain bytes; make_emulator.py appends the target of the jump at the end.

bits 64
default rel

SYS_ACCESS      equ 21
SYS_EXECVE      equ 59
SYS_FCNTL       equ 72
SYS_READLINK    equ 89
X_OK            equ 1
F_SETFD         equ 2
FD_CLOEXEC      equ 1
AT_EXECFD       equ 2
TEXT            equ 1024                ; of the stack: 64 bytes for a path in /proc, the rest for the lent path

start:
        ; The stack is as the kernel left it: argc, argv, 0, environment, 0, auxiliary vector. With its flag P for this
        ; emulator, argv is: the emulator, the path of the program, the argv[0] of the program, its arguments.
        mov     rbp, rsp
        mov     rbx, [rbp]
        cmp     rbx, 3
        jb      emulate
        lea     r12, [rbp + 8 * rbx + 16]
        mov     rsi, r12
.environment:
        lodsq
        test    rax, rax
        jnz     .environment
.auxiliary:
        lodsq
        mov     r13, rax
        lodsq
        test    r13, r13
        jz      emulate                 ; not started by the kernel in place of a program
        cmp     r13, AT_EXECFD
        jne     .auxiliary
        mov     r13, rax                ; the descriptor of the program

        ; Its path without links, as seen from the root of this process.
        sub     rsp, TEXT
        lea     rdi, [rsp + 63]
        mov     byte [rdi], 0
        mov     ecx, 10
.digit:
        xor     edx, edx
        div     rcx
        add     dl, '0'
        dec     rdi
        mov     [rdi], dl
        test    rax, rax
        jnz     .digit
        mov     ecx, descriptors.length
        sub     rdi, rcx
        mov     r14, rdi
        lea     rsi, [descriptors]
        rep movsb
        lea     rdi, [rsp + 64]
        lea     rsi, [programs]
        mov     ecx, programs.length
        rep movsb
        mov     r15, rdi
        mov     eax, SYS_READLINK
        mov     rsi, rdi
        mov     rdi, r14
        mov     edx, TEXT - 64 - programs.length - 1
        syscall
        test    rax, rax
        jle     emulate
        mov     byte [r15 + rax], 0

        lea     r14, [rsp + 64]
        mov     eax, SYS_ACCESS
        mov     rdi, r14
        mov     esi, X_OK
        syscall
        test    eax, eax
        jnz     emulate

        ; LOADER --library-path LIBRARIES --argv0 ARGV0 PROGRAM ARGUMENTS
        lea     rdi, [8 * rbx + 64]
        sub     rsp, rdi
        and     rsp, -16
        mov     rdi, rsp
        lea     rax, [loader]
        stosq
        lea     rax, [library_path]
        stosq
        lea     rax, [libraries]
        stosq
        lea     rax, [argv0]
        stosq
        mov     rax, [rbp + 24]
        stosq
        mov     rax, r14
        stosq
        lea     rsi, [rbp + 32]
        lea     rcx, [rbx - 2]          ; the arguments, and the 0 after them
        rep movsq
        mov     eax, SYS_FCNTL
        mov     rdi, r13
        mov     esi, F_SETFD
        mov     edx, FD_CLOEXEC
        syscall
        mov     eax, SYS_EXECVE
        lea     rdi, [loader]
        mov     rsi, rsp
        mov     rdx, r12
        syscall
        mov     eax, SYS_FCNTL          ; it could not be started, so the emulator gets the descriptor back
        mov     rdi, r13
        mov     esi, F_SETFD
        xor     edx, edx
        syscall
        jmp     emulate

descriptors:    db "/proc/self/fd/"
.length         equ $ - descriptors
programs:       db "/dev/kiln/programs"
.length         equ $ - programs
loader:         db "/dev/kiln/loader", 0
library_path:   db "--library-path", 0
libraries:      db "/dev/kiln/libraries", 0
argv0:          db "--argv0", 0

emulate:
        mov     rsp, rbp
        xor     edx, edx                ; no function to call at the end, as the kernel says to every new process
        xor     ebp, ebp
        db      0xe9                    ; jump, 32 bits from the next instruction
