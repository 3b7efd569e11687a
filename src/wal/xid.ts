/** Transaction ids come round again after 4 billion: of two, the one less than half of that behind is the older. */
export function isOlderXid(xid: number, than: number): boolean {
  return ((xid - than) | 0) < 0;
}
