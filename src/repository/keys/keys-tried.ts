/** When a repository is opened. Each costs a scrypt; restic tries as many. */
export const maxKeysTried = 20;
