/** No file of a repository is that large; a server that sends more is not one of ours. */
export const maximumBodyBytes = 1024 ** 3;

export function sendsTooMuch(): Error {
  return new Error('it sends more than any repository file has');
}

/** The whole body of an answer. A length that was announced and not kept is an error. */
export async function collectBody(
  stream: AsyncIterable<Uint8Array>,
  lengthBytes: number | undefined,
  heard: () => void,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let received = 0;
  for await (const part of stream) {
    heard();
    received += part.length;
    if (received > maximumBodyBytes) throw sendsTooMuch();
    parts.push(part);
  }
  return joinBody(parts, lengthBytes);
}

export function joinBody(
  parts: readonly Uint8Array[],
  lengthBytes: number | undefined,
): Uint8Array {
  const received = parts.reduce((sum, part) => sum + part.length, 0);
  if (lengthBytes !== undefined && received !== lengthBytes) {
    throw new Error('it broke off in the middle of its answer');
  }
  const body = new Uint8Array(received);
  let filled = 0;
  for (const part of parts) {
    body.set(part, filled);
    filled += part.length;
  }
  return body;
}
