// Linux system calls that Node lacks: synchronous, with paths as bytes, usable in worker threads.

export {
  closeDescriptor,
  dropCached,
  openAt,
  setDescriptorOwner,
  setDescriptorTimesNs,
} from './descriptors.ts';
export { getXattr, listXattrs, removeXattr, setXattr } from './extended-attributes.ts';
export { nextData, nextHole } from './holes.ts';
export { makeNode } from './special-files.ts';
export { syncFileSystem } from './sync.ts';
export { setTimesNs } from './times.ts';
