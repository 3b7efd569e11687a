import type { TreeNode } from '../../../repository/index.ts';
import type { FileTask, FoundLinked, LinkTask } from './messages.ts';

interface Group {
  /** Where the first of the group is; the others become links to it once it is there. Undefined: not chosen yet. */
  first: FoundLinked | undefined;
  isThere: boolean;
  waiting: FoundLinked[];
  readonly total: number;
  seen: number;
}

/** So many names are held at most. */
const maxHeld = 200_000;

/** Hard links: of each group one file is restored, the others are linked to it. */
export class LinkGroups {
  readonly #groups = new Map<string, Group>();
  #holds: boolean;
  #held = 0;

  /**
   * `holds`: the first of a group is chosen when all its names were seen, so that one that is right already is kept and the others become
   * links to it, in whatever order they are found. Without, there is nothing to choose from: none of them exists.
   */
  constructor(holds: boolean) {
    this.#holds = holds;
  }

  /** What to do with a file that has other names, as far as anything can be done yet. */
  add(found: FoundLinked): readonly (FileTask | LinkTask)[] {
    const key = keyOf(found.node);
    const total = found.node.links ?? 0;
    const group = this.#groups.get(key) ?? {
      first: undefined,
      isThere: false,
      waiting: [],
      total,
      seen: 0,
    };
    this.#groups.set(key, group);
    group.seen++;
    if (group.first !== undefined && group.isThere) {
      if (group.seen >= group.total) this.#groups.delete(key);
      return [linkTask(group.first, found)];
    }
    group.waiting.push(found);
    if (group.first !== undefined) return [];
    if (!this.#holds) return this.#choose(key, group);
    this.#held++;
    if (group.seen >= group.total) return this.#choose(key, group);
    if (this.#held < maxHeld) return [];
    this.#holds = false;
    return this.release();
  }

  /** When nothing more will be found: of groups with names elsewhere, what there is. */
  release(): readonly (FileTask | LinkTask)[] {
    return [...this.#groups].flatMap(([key, group]) =>
      group.first === undefined ? this.#choose(key, group) : [],
    );
  }

  /** The first of a group was restored, or could not be: then the next one is tried. */
  settle(key: string, isThere: boolean): readonly (FileTask | LinkTask)[] {
    const group = this.#groups.get(key);
    if (group?.first === undefined) return [];
    const { first } = group;
    if (!isThere) {
      if (group.waiting.length > 0) return this.#choose(key, group);
      this.#groups.delete(key);
      return [];
    }
    group.isThere = true;
    const tasks = group.waiting.map((each) => linkTask(first, each));
    group.waiting = [];
    if (group.seen >= group.total) this.#groups.delete(key);
    return tasks;
  }

  #choose(key: string, group: Group): readonly FileTask[] {
    if (group.first === undefined && this.#holds) this.#held -= group.waiting.length;
    if (group.waiting.length > 1) group.waiting.sort(byUse);
    const first = group.waiting.shift();
    if (first === undefined) return [];
    group.first = first;
    return [fileTask(first, key)];
  }
}

/** What is right already first, then by name: the same whatever was found first. */
function byUse(a: FoundLinked, b: FoundLinked): number {
  const right = Number(b.placement === 'same') - Number(a.placement === 'same');
  if (right !== 0) return right;
  const [left, other] = [a, b].map(({ path, node }) => `${path}/${node.name}`);
  return (left as string) < (other as string) ? -1 : 1;
}

/** Inode numbers alone are not trusted: files of different content are different files. */
function keyOf({ deviceId = 0n, inode, content = [] }: TreeNode): string {
  return [deviceId, inode, content.length, content[0], content.at(-1)].join(' ');
}

function fileTask(found: FoundLinked, group: string): FileTask {
  return { type: 'file', group, ...found };
}

function linkTask(
  first: FoundLinked,
  { parent, path, node, isFresh, placement }: FoundLinked,
): LinkTask {
  const { content: _, ...bare } = node;
  const from = { path: first.path, name: first.node.name, placement: first.placement };
  return { type: 'link', parent, from, path, node: bare, isFresh, placement };
}
