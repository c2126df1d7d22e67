/** A job document for tests; nothing that it names exists unless the test makes it. */
import type { JobDocument } from '../../contract/runner.ts';
import { GIB, MIB } from '../../platform/bytes.ts';

const IMAGE = '1b4e28ba-2fa1-41d2-883f-0016d3cca427';

export function testDocument(also: Partial<JobDocument> = {}): JobDocument {
  const upload = (name: string) => ({
    url: `http://store.test/boot-images/${IMAGE}/${name}?signature=secret`,
    path: `s3://boot-images/${IMAGE}/${name}`,
  });
  return {
    version: 1,
    job_type: 'create',
    job_id: '6fa459ea-ee8a-4ca4-894e-db77e160355e',
    attempt: 1,
    image_name: 'test',
    arch: 'x86_64',
    enable_debug: false,
    require_dkms: false,
    kernel_file_name: null,
    initrd_file_name: null,
    kernel_parameters_file_name: 'kernel-parameters',
    api: { url: 'http://kiln.test', socket: null, token: 'token-of-the-test-job', grace_seconds: 10 },
    node: null,
    source: {
      id: '16fd2706-8baf-433b-82eb-8c7fada847da',
      name: 'test',
      url: 'http://store.test/ims/recipe?signature=secret',
      size_bytes: 0,
      md5: '',
      sha256: '',
      template_dictionary: [],
      history: null,
      is_checked: false,
    },
    image: {
      id: IMAGE,
      uploads: {
        rootfs: upload('rootfs'),
        kernel: upload('kernel'),
        initrd: upload('initrd'),
        boot_parameters: upload('boot_parameters'),
        manifest: upload('manifest.json'),
        packages: upload('packages.json'),
        history: upload('history.json'),
        recordings: [],
      },
    },
    builder_root: { digest: 'none', path: '/nonexistent' },
    workspace: '/nonexistent',
    cache: '/nonexistent',
    changes: [],
    secrets: {},
    secret_names: [],
    archives: [],
    shell: null,
    record: null,
    resume: null,
    image_cache_bytes: 0,
    limits: {
      disk_bytes: 10 * GIB,
      memory_bytes: 8 * GIB,
      cpus: 2,
      pids: 1024,
      recipe_bytes: 64 * MIB,
      recipe_entries: 1000,
      log_bytes: MIB,
    },
    deadlines: { default: 60 },
    repository_wait_seconds: 1,
    squashfs_zstd_level: 1,
    signing_keys: [],
    packages: null,
    trusted_certificates: [],
    store_certificates: [],
    ...also,
  };
}
