/** Everything of a tree that an image has to keep, as text to compare: run by Python on this host, or in the sandbox. */

/** Type, mode, owner, links, time, device numbers and extended attributes of every name, and each content. */
export const LISTING = `import hashlib, os, stat, sys
for folder, folders, files in os.walk(sys.argv[1]):
    folders.sort()
    for name in sorted(folders + files) + ['.']:
        path = os.path.join(folder, name); info = os.lstat(path)
        content = os.readlink(path) if stat.S_ISLNK(info.st_mode) else ''
        if stat.S_ISREG(info.st_mode):
            content = hashlib.sha256(open(path, 'rb').read()).hexdigest() + ' ' + str(info.st_blocks * 512 < info.st_size)
        links = info.st_nlink if not stat.S_ISDIR(info.st_mode) else '-'
        xattrs = [(key, os.getxattr(path, key, follow_symlinks=False)) for key in sorted(os.listxattr(path, follow_symlinks=False))]
        print(os.path.relpath(path, sys.argv[1]), oct(info.st_mode), info.st_uid, info.st_gid, links, int(info.st_mtime), info.st_rdev, content, xattrs)
`;
