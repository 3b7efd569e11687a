/** Where restored data is, for the variables `LIFEBOAT_*` of commands. JSON. */
export interface RestoredPlace {
  readonly host?: string;
  readonly port?: number;
  readonly database?: string;
  /** Absolute; within a volume or a claim from its root. */
  readonly folder?: string;
  /** Of Docker. */
  readonly volume?: string;
  /** Of Kubernetes. */
  readonly claim?: string;
  readonly namespace?: string;
  /** Of Docker, or of kubectl, where it is not the current one. */
  readonly context?: string;
}

/** What is not known has no variable. */
export function placeVariables(place: RestoredPlace): Readonly<Record<string, string>> {
  const values = {
    LIFEBOAT_HOST: place.host,
    LIFEBOAT_PORT: place.port,
    LIFEBOAT_DATABASE: place.database,
    LIFEBOAT_FOLDER: place.folder,
    LIFEBOAT_VOLUME: place.volume,
    LIFEBOAT_CLAIM: place.claim,
    LIFEBOAT_NAMESPACE: place.namespace,
    LIFEBOAT_CONTEXT: place.context,
  };
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
}
