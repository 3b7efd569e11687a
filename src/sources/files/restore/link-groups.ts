import type { TreeNode } from '../../../repository/index.ts';
import type { FileTask, FoundLinked, LinkTask } from './messages.ts';

interface Group {
  /** Where the first of the group is; the others become links to it once it is there. */
  first: FoundLinked;
  isThere: boolean;
  waiting: FoundLinked[];
  readonly total: number;
  seen: number;
}

/** Hard links: of each group one file is restored, the others are linked to it. */
export class LinkGroups {
  readonly #groups = new Map<string, Group>();

  /** What to do with a file that has other names, if anything can be done yet. */
  add(found: FoundLinked): FileTask | LinkTask | undefined {
    const key = keyOf(found.node);
    const group = this.#groups.get(key);
    if (group === undefined) {
      const total = found.node.links ?? 0;
      this.#groups.set(key, { first: found, isThere: false, waiting: [], total, seen: 1 });
      return fileTask(found, key);
    }
    group.seen++;
    if (!group.isThere) {
      group.waiting.push(found);
      return undefined;
    }
    const task = linkTask(group.first, found);
    if (group.seen >= group.total) this.#groups.delete(key);
    return task;
  }

  /** The first of a group was restored, or could not be: then the next one is tried. */
  settle(key: string, isThere: boolean): readonly (FileTask | LinkTask)[] {
    const group = this.#groups.get(key);
    if (group === undefined) return [];
    if (!isThere) {
      const next = group.waiting.shift();
      if (next === undefined) {
        this.#groups.delete(key);
        return [];
      }
      group.first = next;
      return [fileTask(next, key)];
    }
    group.isThere = true;
    const tasks = group.waiting.map((each) => linkTask(group.first, each));
    group.waiting = [];
    if (group.seen >= group.total) this.#groups.delete(key);
    return tasks;
  }
}

/** Inode numbers alone are not trusted: files of different content are different files. */
function keyOf({ deviceId = 0n, inode, content = [] }: TreeNode): string {
  return [deviceId, inode, content.length, content[0], content.at(-1)].join(' ');
}

function fileTask(found: FoundLinked, group: string): FileTask {
  return { type: 'file', group, ...found };
}

function linkTask(first: FoundLinked, { parent, path, node, isFresh }: FoundLinked): LinkTask {
  const { content: _, ...bare } = node;
  const from = { path: first.path, name: first.node.name };
  return { type: 'link', parent, from, path, node: bare, isFresh };
}
