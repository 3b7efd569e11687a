/** A backup that was interrupted: what it had stored, so that the next one need not read it again. */
export const checkpointTag = 'lifeboat:checkpoint';
/** A backup that differs from those before it so much that somebody should look at it. */
export const flaggedTag = 'lifeboat:flagged';
/** A backup that could not read all it was to store: what it lacks may well have been there. */
export const incompleteTag = 'lifeboat:incomplete';

const marks: readonly string[] = [checkpointTag, flaggedTag, incompleteTag];

/** Set by Lifeboat itself. */
export function isMark(tag: string): boolean {
  return marks.includes(tag);
}

/** Without the marks that Lifeboat sets by itself. */
export function ownTags(tags: readonly string[]): readonly string[] {
  return tags.filter((tag) => !isMark(tag));
}
