const protocolVersion = 3 << 16;
const sslRequestCode = 80877103;

/** The first message of a session; it alone has no type byte. */
export function startupMessage(parameters: Readonly<Record<string, string>>): Buffer {
  const pairs = Object.entries(parameters).flatMap(([name, value]) => [text(name), text(value)]);
  const body = Buffer.concat([int32(protocolVersion), ...pairs, Buffer.from([0])]);
  return Buffer.concat([int32(body.length + 4), body]);
}

export function sslRequest(): Buffer {
  return Buffer.concat([int32(8), int32(sslRequestCode)]);
}

export function queryMessage(command: string): Buffer {
  return message('Q', text(command));
}

export function passwordMessage(password: string): Buffer {
  return message('p', text(password));
}

export function saslInitialResponse(mechanism: string, data: string): Buffer {
  const bytes = Buffer.from(data);
  return message('p', text(mechanism), int32(bytes.length), bytes);
}

export function saslResponse(data: string): Buffer {
  return message('p', Buffer.from(data));
}

export function copyDataMessage(payload: Buffer): Buffer {
  return message('d', payload);
}

export const copyDoneMessage: Buffer = message('c');
export const terminateMessage: Buffer = message('X');

function message(type: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** A C string: what follows a NUL would be read as something else, so there must be none. */
function text(value: string): Buffer {
  if (value.includes('\0')) throw new TypeError('a NUL byte in a text for the server');
  return Buffer.from(`${value}\0`);
}
