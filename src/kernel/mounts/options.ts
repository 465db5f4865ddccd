/** Flags of mount(2) (linux/mount.h); `clear` marks the words that stand for the absence of one. */
const flagsByName: Readonly<Record<string, { readonly flag: number; readonly clear?: true }>> = {
  ro: { flag: 1 },
  rw: { flag: 1, clear: true },
  nosuid: { flag: 2 },
  suid: { flag: 2, clear: true },
  nodev: { flag: 4 },
  dev: { flag: 4, clear: true },
  noexec: { flag: 8 },
  exec: { flag: 8, clear: true },
  sync: { flag: 16 },
  async: { flag: 16, clear: true },
  dirsync: { flag: 128 },
  noatime: { flag: 1024 },
  atime: { flag: 1024, clear: true },
  nodiratime: { flag: 2048 },
  diratime: { flag: 2048, clear: true },
  relatime: { flag: 1 << 21 },
  norelatime: { flag: 1 << 21, clear: true },
  strictatime: { flag: 1 << 24 },
  nostrictatime: { flag: 1 << 24, clear: true },
  defaults: { flag: 0 },
};

/** Parts mount(8) options into the flags that the kernel takes as bits and the words that a file system reads. */
export function splitOptions(options: readonly string[]): { flags: number; data: string[] } {
  let flags = 0;
  const data: string[] = [];
  for (const option of options) {
    const known = Object.hasOwn(flagsByName, option) ? flagsByName[option] : undefined;
    if (!known) data.push(option);
    else flags = known.clear ? flags & ~known.flag : flags | known.flag;
  }
  return { flags, data };
}
