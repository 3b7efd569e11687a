import { isUtf8 } from 'node:buffer';

/**
 * Names on Unix are bytes; most are UTF-8. In memory a name is a string in which every byte that is part of no
 * valid UTF-8 sequence stands as the lone surrogate U+DC80 to U+DCFF (0xDC00 + byte), which no valid text holds.
 */
export function nameFromBytes(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return Buffer.from(bytes).toString('utf8');
  let name = '';
  for (let at = 0; at < bytes.length; ) {
    const length = validLength(bytes, at);
    if (length === 0) {
      name += String.fromCharCode(0xdc00 + (bytes[at] as number));
      at++;
    } else {
      name += Buffer.from(bytes.subarray(at, at + length)).toString('utf8');
      at += length;
    }
  }
  return name;
}

/** The bytes of a name, as the file system has them. */
export function nameBytes(name: string): Buffer {
  if (name.isWellFormed()) return Buffer.from(name, 'utf8');
  return Buffer.concat(
    [...name].map((character) => {
      const code = character.codePointAt(0) as number;
      return isRawByte(code) ? Buffer.of(code - 0xdc00) : Buffer.from(character, 'utf8');
    }),
  );
}

/** True for a code point that stands for a byte that is no UTF-8. */
export function isRawByte(code: number): boolean {
  return code >= 0xdc80 && code <= 0xdcff;
}

/** Length of the UTF-8 sequence at `at`, or 0. */
function validLength(bytes: Uint8Array, at: number): number {
  for (let length = 1; length <= 4 && at + length <= bytes.length; length++) {
    if (isUtf8(bytes.subarray(at, at + length))) return length;
  }
  return 0;
}
