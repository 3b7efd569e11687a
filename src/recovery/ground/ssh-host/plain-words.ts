/** A word as three octal digits for each of its bytes: the same to every shell. */
export function encodeWord(word: string): string {
  return [...Buffer.from(word)].map((byte) => byte.toString(8).padStart(3, '0')).join('');
}

/** The other end, in a POSIX shell: makes the arguments of the script what they were. */
export const wordDecoder = `
for each do
  shift
  format=
  while [ -n "$each" ]; do
    rest=\${each#???}
    format="$format\\\\0\${each%"$rest"}"
    each=$rest
  done
  word=$(printf '%b' "$format"; echo x)
  set -- "$@" "\${word%x}"
done
`;
