import type { PasswordSetting } from '../../../config/index.ts';
import type { Secret } from '../../../core/index.ts';

/** What a check of a service may touch of the world. */
export interface CheckSurroundings {
  /** Variables of programs that checks run, `LIFEBOAT_*` among them. */
  readonly environment: NodeJS.ProcessEnv;
  secret(what: string, setting: PasswordSetting): Promise<Secret>;
}
