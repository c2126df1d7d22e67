/** The tables of the records, as Kysely sees them. Columns that hold JSON say so in their name. */
import type { Generated } from 'kysely';
import type { ChangedNoun, ChangeKind } from '../../../contract/events.ts';

export interface RecipeTable {
  position: Generated<number>;
  id: string;
  link_path: string | null;
  record_json: string;
}

export interface ImageTable {
  position: Generated<number>;
  id: string;
  link_path: string | null;
  record_json: string;
}

export interface PublicKeyTable {
  position: Generated<number>;
  id: string;
  record_json: string;
}

export interface JobTable {
  position: Generated<number>;
  id: string;
  request_json: string;
  steps_json: string;
  /** Sequence of the last snapshot: what a stale action is told by. */
  sequence: number;
  state: string;
  started: string | null;
  finished: string | null;
  heartbeat: string | null;
  log_lines: number;
  reserved_image_id: string;
  token_hash: string | null;
  execution: string | null;
  place: string | null;
}

export interface JobSnapshotTable {
  job_id: string;
  sequence: number;
  state: string;
  at: string;
  attempt: number;
  reason_json: string | null;
  resultant_image_id: string | null;
}

/** One row per report: lines `first_line` to `last_line`. */
export interface JobLogTable {
  job_id: string;
  first_line: number;
  last_line: number;
  lines_json: string;
}

export interface JobReportTable {
  job_id: string;
  report_json: string;
}

export interface JobSecretsTable {
  job_id: string;
  sealed: string;
}

export interface CleanupTable {
  position: Generated<number>;
  id: string;
  bucket: string;
  key_prefix: string;
  reason: string;
  job_id: string | null;
}

export interface DeletedTable {
  position: Generated<number>;
  id: string;
  record_json: string;
}

export interface NodeTable {
  position: Generated<number>;
  xname: string;
  record_json: string;
  knowledge_json: string | null;
}

export interface RepositoryTable {
  position: Generated<number>;
  name: string;
  record_json: string;
  secrets_json: string | null;
}

export interface SigningKeyTable {
  position: Generated<number>;
  id: string;
  record_json: string;
}

export interface MoveTable {
  position: Generated<number>;
  record_id: string;
  operation_json: string;
}

export interface ChangeTable {
  sequence: Generated<number>;
  at: string;
  noun: ChangedNoun;
  id: string;
  kind: ChangeKind;
}

export interface IdempotencyTable {
  key: string;
  request: string;
  record_id: string;
  created: string;
  done: number;
}

export interface Tables {
  recipes: RecipeTable;
  images: ImageTable;
  public_keys: PublicKeyTable;
  jobs: JobTable;
  job_snapshots: JobSnapshotTable;
  job_log: JobLogTable;
  job_reports: JobReportTable;
  job_secrets: JobSecretsTable;
  cleanup: CleanupTable;
  deleted_recipes: DeletedTable;
  deleted_images: DeletedTable;
  deleted_public_keys: DeletedTable;
  nodes: NodeTable;
  repositories: RepositoryTable;
  signing_keys: SigningKeyTable;
  moves: MoveTable;
  idempotency: IdempotencyTable;
  changes: ChangeTable;
}
