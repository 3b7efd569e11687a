import type { Secret } from '../../core/index.ts';
import type { OperationOptions } from '../repository.ts';

export interface KeyInfo {
  /** Name of its file. */
  readonly id: string;
  readonly username: string;
  readonly hostname: string;
  /** Undefined when its file says none. */
  readonly created: Date | undefined;
  /** Opened this repository now. */
  readonly isCurrent: boolean;
  /** Set when it cannot be read: then no password opens it. */
  readonly problem?: string;
}

export interface NewKeyOptions extends OperationOptions {
  /** Default: whoever runs this, on this host. */
  readonly username?: string;
  readonly hostname?: string;
}

/**
 * The passwords of a repository. Each key file holds the same master key, sealed under another password; a password that is removed
 * no longer opens the repository, but whoever has read the master key meanwhile keeps it.
 */
export interface RepositoryKeys {
  /** The oldest first. */
  list(options?: OperationOptions): Promise<readonly KeyInfo[]>;
  /** Resolves with the id when the new key was read back and opened with the password. */
  add(password: Secret, options?: NewKeyOptions): Promise<string>;
  /** By id or its beginning. Errors: `key.refused` for the key in use and for the last one that can be read; `key.missing`. */
  remove(idOrPrefix: string, options?: OperationOptions): Promise<string>;
  /** Adds a key, as `add`, then removes the one in use. */
  changePassword(password: Secret, options?: NewKeyOptions): Promise<string>;
}
