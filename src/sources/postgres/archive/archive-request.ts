import { isAbsolute, join } from 'node:path';

/** What a client wants, with the folder that the server runs it in. */
export interface ArchiveRequest {
  readonly operation: 'put' | 'get';
  readonly name: string;
  /** The server's data folder. */
  readonly dataFolder: string;
  readonly path: string;
}

/** Undefined while it is not written whole, or when it is none. */
export function parseRequest(text: string): ArchiveRequest | undefined {
  const [version, operation, name = '', path = '', dataFolder = '', end] = text.split('\n');
  if (version !== '1' || end !== 'end') return undefined;
  if (operation !== 'put' && operation !== 'get') return undefined;
  if (path === '' || !isAbsolute(dataFolder)) return undefined;
  return {
    operation,
    name,
    dataFolder,
    path: isAbsolute(path) ? path : join(dataFolder, path),
  };
}
