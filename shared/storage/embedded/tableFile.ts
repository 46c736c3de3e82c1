// The SQLite file of the embedded table, as its one writer and its reader open it: the schema, its version,
// durability. Refuses a file of another schema version.
import { DatabaseSync } from 'node:sqlite'
import type { Attributes, ItemKey } from '../../ports/table.ts'
import { decodeAttributes } from './attributes.ts'

const schemaVersion = 1

/** SQLite compares TEXT by its UTF-8 bytes, which is the order of sort keys. */
const schema = `
  CREATE TABLE item (
    pk TEXT NOT NULL,
    sk TEXT NOT NULL,
    attributes BLOB NOT NULL,
    PRIMARY KEY (pk, sk)
  ) STRICT, WITHOUT ROWID;
  PRAGMA user_version = ${schemaVersion};
`

/** A commit has reached the disk when it returns; macOS needs to be told that the disk's own cache counts. */
const durability = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA fullfsync = ON;
  PRAGMA checkpoint_fullfsync = ON;
`

export const openTableWriter = (file: string): DatabaseSync => {
  const database = new DatabaseSync(file)
  const version = database.prepare('PRAGMA user_version').get()?.user_version
  if (version !== 0 && version !== schemaVersion) {
    database.close()
    throw new Error(
      `${file} has schema version ${version} and this Millrace reads version ${schemaVersion}: ` +
        'start the Millrace that wrote it, or a later one',
    )
  }
  database.exec(durability)
  if (version === 0) database.exec(`BEGIN IMMEDIATE; ${schema} COMMIT;`)
  return database
}

export const openTableReader = (file: string): DatabaseSync => new DatabaseSync(file, { readOnly: true })

export const createFind = (database: DatabaseSync) => {
  const select = database.prepare('SELECT attributes FROM item WHERE pk = ? AND sk = ?')
  return ({ pk, sk }: ItemKey): Attributes | undefined => {
    const row = select.get(pk, sk)
    return row === undefined ? undefined : decodeAttributes(row.attributes)
  }
}
