import {
  isExtension,
  maximumExtensionBytes,
  parseExtension,
  type TarExtension,
} from './tar-extension.ts';
import { blockSizeBytes, invalidTar, parseTarHeader, type TarHeader } from './tar-header.ts';

export interface TarHandler {
  onEntry(header: TarHeader): void;
  /** Some bytes of the entry, in order. The view is only valid until return. */
  onData(bytes: Uint8Array): void;
  onEntryEnd(): void;
}

/**
 * Takes a tar archive in pieces of any size and tells its entries. Servers up to 14 leave out the two zero blocks at
 * the end, later ones send them; both are whole archives. Anything that is no archive is `postgres.protocol`.
 */
export class TarReader {
  readonly #handler: TarHandler;
  /** Collects a header or an extension that came in pieces. */
  readonly #block = Buffer.alloc(blockSizeBytes);
  #filled = 0;
  #phase: 'header' | 'data' | 'extension' | 'padding' | 'end' = 'header';
  #left = 0;
  #padding = 0;
  #zeroBlocks = 0;
  #extension: TarExtension = {};
  #extensionType = '';
  #extensionBytes = Buffer.alloc(0);

  constructor(handler: TarHandler) {
    this.#handler = handler;
  }

  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += this.#take(bytes.subarray(at));
  }

  /** Call it after the last piece. */
  end(): void {
    const betweenEntries = this.#phase === 'header' && this.#filled === 0;
    const named = Object.keys(this.#extension).length > 0;
    if (this.#phase !== 'end' && (!betweenEntries || named)) {
      throw invalidTar('it ends in the middle of an entry');
    }
  }

  /** Uses up some of `bytes`, at least one, and says how many. */
  #take(bytes: Uint8Array): number {
    switch (this.#phase) {
      case 'header':
        return this.#takeHeader(bytes);
      case 'data':
        return this.#takeData(bytes);
      case 'extension':
        return this.#takeExtension(bytes);
      case 'padding': {
        const used = Math.min(bytes.length, this.#padding);
        this.#padding -= used;
        if (this.#padding === 0) this.#phase = 'header';
        return used;
      }
      case 'end':
        if (bytes.some((byte) => byte !== 0)) throw invalidTar('bytes follow its end');
        return bytes.length;
    }
  }

  #takeHeader(bytes: Uint8Array): number {
    const used = Math.min(bytes.length, blockSizeBytes - this.#filled);
    this.#block.set(bytes.subarray(0, used), this.#filled);
    this.#filled += used;
    if (this.#filled < blockSizeBytes) return used;
    this.#filled = 0;
    if (this.#block.every((byte) => byte === 0)) {
      this.#zeroBlocks += 1;
      if (this.#zeroBlocks === 2) this.#phase = 'end';
      return used;
    }
    if (this.#zeroBlocks > 0) throw invalidTar('an entry follows its end');
    this.#begin(parseTarHeader(this.#block));
    return used;
  }

  #begin(header: TarHeader): void {
    if (isExtension(header.type)) {
      if (header.sizeBytes > maximumExtensionBytes) throw invalidTar('a name is too long');
      this.#extensionType = header.type;
      this.#extensionBytes = Buffer.alloc(header.sizeBytes);
      this.#start('extension', header.sizeBytes);
      if (header.sizeBytes === 0) this.#endExtension();
      return;
    }
    const whole = { ...header, ...this.#extension };
    this.#extension = {};
    this.#handler.onEntry(whole);
    this.#start('data', whole.sizeBytes);
    if (whole.sizeBytes === 0) this.#endData();
  }

  #start(phase: 'data' | 'extension', sizeBytes: number): void {
    this.#phase = phase;
    this.#left = sizeBytes;
    this.#padding = (blockSizeBytes - (sizeBytes % blockSizeBytes)) % blockSizeBytes;
  }

  #takeData(bytes: Uint8Array): number {
    const part = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes;
    this.#handler.onData(part);
    this.#left -= part.length;
    if (this.#left === 0) this.#endData();
    return part.length;
  }

  #endData(): void {
    this.#phase = this.#padding > 0 ? 'padding' : 'header';
    this.#handler.onEntryEnd();
  }

  #takeExtension(bytes: Uint8Array): number {
    const used = Math.min(bytes.length, this.#left);
    this.#extensionBytes.set(bytes.subarray(0, used), this.#extensionBytes.length - this.#left);
    this.#left -= used;
    if (this.#left === 0) this.#endExtension();
    return used;
  }

  #endExtension(): void {
    this.#phase = this.#padding > 0 ? 'padding' : 'header';
    const parsed = parseExtension(this.#extensionType, this.#extensionBytes);
    // A global pax header carries comments and the like; what it says of single entries would be a lie.
    if (this.#extensionType !== 'g') this.#extension = { ...this.#extension, ...parsed };
  }
}
