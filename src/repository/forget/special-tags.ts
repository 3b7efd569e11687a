/** A backup that was interrupted: what it had stored, so that the next one need not read it again. */
export const checkpointTag = 'lifeboat:checkpoint';
/** A backup that differs from those before it so much that somebody should look at it. */
export const flaggedTag = 'lifeboat:flagged';

/** Without the marks that Lifeboat sets by itself. */
export function ownTags(tags: readonly string[]): readonly string[] {
  return tags.filter((tag) => tag !== checkpointTag && tag !== flaggedTag);
}
