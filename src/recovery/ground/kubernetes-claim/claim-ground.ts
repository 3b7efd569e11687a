import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { LifeboatError, Turn, throwIfAborted } from '../../../core/index.ts';
import { identifyCluster, Kubectl } from '../../../platforms/index.ts';
import type {
  DeliveryState,
  Ground,
  GroundContents,
  GroundRequest,
  TreeDelivery,
} from '../ground.ts';
import type { ScriptEnd } from '../in-volume/run-script.ts';
import { type RunnerCall, ScriptPlace, type ScriptRunner } from '../in-volume/script-place.ts';
import { TreeGround } from '../tree-ground.ts';
import {
  type ClaimContext,
  type ClaimSetting,
  claimUse,
  describeClaim,
  nodeFor,
  requireClaim,
} from './claim.ts';
import { groundError } from './ground-error.ts';
import { helperPod } from './helper-pod.ts';
import { execInHelper, removeHelpers, startHelper } from './run-in-pod.ts';

export interface ClaimGroundOptions {
  readonly environment: NodeJS.ProcessEnv;
  /** Where the claim is mounted in the helper pod. */
  readonly mountPath?: string;
  /** How long a helper pod may take to start: its image may have to be fetched, its volume to be attached. Default: 5 min. */
  readonly startWithinMs?: number;
}

const mountPathDefault = '/lifeboat/claim';
const startWithinMsDefault = 5 * 60_000;

/**
 * A persistent volume claim. Each call starts a helper pod when it needs one, and removes it before it resolves: a claim of one node or
 * one pod is free for the services then.
 */
export class ClaimGround implements Ground<TreeDelivery> {
  readonly kind = 'kubernetes-claim';
  readonly #setting: ClaimSetting;
  readonly #kubectl: Kubectl;
  readonly #mountPath: string;
  readonly #startWithinMs: number;
  readonly #tree: TreeGround;
  /** One call at a time: they share the helper pod. */
  readonly #turn = new Turn();
  #helper: string | undefined;

  constructor(setting: ClaimSetting, options: ClaimGroundOptions) {
    const { environment, mountPath, startWithinMs } = options;
    this.#setting = setting;
    this.#kubectl = new Kubectl(setting, environment);
    this.#mountPath = mountPath ?? mountPathDefault;
    this.#startWithinMs = startWithinMs ?? startWithinMsDefault;
    this.#tree = new TreeGround(new ScriptPlace(this.#runner()));
  }

  describe(): string {
    const { context } = this.#setting;
    const place = context === undefined ? '' : ` of context ${context}`;
    return `${describeClaim(this.#setting)}${place}`;
  }

  async identify(request: GroundRequest = {}) {
    throwIfAborted(request.signal);
    try {
      const time = { timeoutMs: 30_000, signal: request.signal };
      const cluster = await identifyCluster(this.#kubectl, this.#setting, time);
      const { metadata } = await requireClaim(this.#context(request));
      const facts = JSON.stringify([
        'kubernetes-claim',
        cluster.fingerprint,
        metadata.uid,
        this.#setting.subfolder ?? '',
      ]);
      return {
        text: `${describeClaim(this.#setting)}, ${cluster.text}`,
        fingerprint: createHash('sha256').update(facts).digest('hex').slice(0, 32),
        ...(cluster.machines === undefined ? {} : { machines: cluster.machines }),
      };
    } catch (error) {
      throw groundError(error);
    }
  }

  async freeBytes(request: GroundRequest = {}): Promise<number | undefined> {
    return await this.#during(request, async () => await this.#tree.freeBytes(request));
  }

  async contents(request: GroundRequest = {}): Promise<GroundContents> {
    return await this.#during(request, async () => await this.#tree.contents(request));
  }

  async state(token: string, request: GroundRequest = {}): Promise<DeliveryState> {
    return await this.#during(request, async () => await this.#tree.state(token, request));
  }

  async fill(token: string, delivery: TreeDelivery, request: GroundRequest = {}): Promise<void> {
    await this.#during(request, async () => await this.#tree.fill(token, delivery, request));
  }

  async swap(token: string, request: GroundRequest = {}): Promise<string | undefined> {
    return await this.#during(request, async () => await this.#tree.swap(token, request));
  }

  async formerAt(token: string, request: GroundRequest = {}): Promise<string | undefined> {
    return await this.#during(request, async () => await this.#tree.formerAt(token, request));
  }

  async swapBack(token: string, request: GroundRequest = {}): Promise<void> {
    await this.#during(request, async () => await this.#tree.swapBack(token, request));
  }

  async settle(token: string, request: GroundRequest = {}): Promise<void> {
    await this.#during(request, async () => await this.#tree.settle(token, request));
  }

  async forget(token: string, request: GroundRequest = {}): Promise<void> {
    await this.#during(request, async () => await this.#tree.forget(token, request));
  }

  async discard(token: string, request: GroundRequest = {}): Promise<void> {
    await this.#during(request, async () => await this.#tree.discard(token, request));
  }

  #context({ signal }: GroundRequest): ClaimContext {
    return { kubectl: this.#kubectl, setting: this.#setting, signal };
  }

  async #during<Value>({ signal }: GroundRequest, work: () => Promise<Value>): Promise<Value> {
    return await this.#turn.take(async () => {
      throwIfAborted(signal);
      let failure: unknown;
      try {
        return await work();
      } catch (error) {
        failure = groundError(error);
        throw failure;
      } finally {
        await this.#endHelper(failure);
      }
    });
  }

  /** Also after a cancellation: what the pod was told to do ends with it. */
  async #endHelper(failure: unknown): Promise<void> {
    if (this.#helper === undefined) return;
    const helper = this.#helper;
    this.#helper = undefined;
    try {
      await removeHelpers(this.#context({}), [helper]);
    } catch (error) {
      // The first error tells more; the next call removes the pod.
      if (failure === undefined) throw groundError(error);
    }
  }

  #runner(): ScriptRunner {
    return {
      kind: this.kind,
      folder: folderIn(this.#setting, this.#mountPath),
      describe: () => this.describe(),
      describePath: (path) => `${posix.relative(this.#mountPath, path)} in ${this.describe()}`,
      identify: async (request) => await this.identify(request),
      run: async (args, call) => await this.#run(args, call),
    };
  }

  async #run(args: readonly string[], call: RunnerCall): Promise<ScriptEnd | undefined> {
    const context = this.#context(call);
    const claim = await requireClaim(context);
    // Where nobody has used it yet, a pod would make it.
    if (call.purpose === 'look' && claim.status?.phase !== 'Bound') return undefined;
    const { users, leftOver } = await claimUse(context, call.token);
    const node = nodeFor(
      context,
      claim,
      users.filter(({ metadata }) => metadata.name !== this.#helper),
      call.purpose === 'move',
    );
    const names = leftOver.map(({ metadata }) => metadata.name);
    await removeHelpers(
      context,
      names.filter((name) => name !== this.#helper),
    );
    if (this.#helper === undefined) {
      const { namespace = 'default', claim: name, image } = this.#setting;
      const manifest = helperPod({
        ...{ namespace, claim: name, image, token: call.token },
        ...{ mountPath: this.#mountPath, node },
      });
      this.#helper = await startHelper(context, manifest, this.#startWithinMs);
    }
    return await execInHelper(context, this.#helper, args, call.input);
  }
}

function folderIn({ subfolder, claim }: ClaimSetting, mountPath: string): string {
  const folder = posix.join(mountPath, subfolder ?? '');
  if (folder === mountPath || folder.startsWith(`${mountPath}/`)) return folder;
  throw new LifeboatError('config.invalid', `${subfolder} is no folder in the claim ${claim}`, {
    hint: 'Name a folder in it, such as `data`, or leave it out for all of the claim.',
  });
}
