/** An overlay over an image, as its users see it; image-overlay.ts makes it. */

export interface OverlayOptions {
  /** The squashfs of the image. */
  readonly squashfs: string;
  /** Files that are seen over those of the image until `settle`, by absolute path; see `LaidFile`. */
  readonly laid: readonly LaidFile[];
  /** What to do with changes that are there already: take them up, or go back to those that were kept. */
  readonly from?: 'changes' | 'kept';
}

/** A file of the platform. It is left out where the image has something else than a file, or no folder for it. */
export interface LaidFile {
  readonly path: string;
  /** Undefined for a folder that a system needs and the image may lack. */
  readonly content?: string | ((ofImage: Buffer | undefined) => string | undefined);
  /** Lines of it that are taken out of what somebody made of the file, when the overlay settles. */
  readonly lines?: readonly string[];
  /** Whether files beside it are not taken for backups of it, whatever is in them. */
  readonly alone?: true;
}

export interface ImageOverlay {
  /** Where the root is mounted. */
  readonly root: string;
  /** The image as it was, read-only. */
  readonly original: string;
  readonly upper: string;
  /** Mounts it again without what was laid over it. Nothing may use the overlay meanwhile. */
  settle(): Promise<void>;
  /** Keeps a copy of the changes as they are now. Nothing may use the overlay meanwhile. */
  keep(): Promise<void>;
  close(): Promise<void>;
}
