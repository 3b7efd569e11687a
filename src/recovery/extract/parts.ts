/** A name as the user gave it; without a schema wherever it is found. */
export interface TableName {
  readonly schema?: string;
  readonly name: string;
}

/** Which parts of a cluster. Neither schemas nor tables: the whole database. */
export interface WantedParts {
  /** Default: the database of the source's connection. */
  readonly database: string;
  readonly schemas: readonly string[];
  readonly tables: readonly TableName[];
}

export interface PartTable {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** With TOAST, without indexes. */
  readonly bytes: number;
}

/** What was found of them at the moment. */
export interface ChosenParts {
  readonly scope: 'database' | 'schemas' | 'tables';
  readonly schemas: readonly string[];
  /** Every table with rows or partitions that belongs to them; of a table its partitions and heirs too. */
  readonly tables: readonly PartTable[];
}
