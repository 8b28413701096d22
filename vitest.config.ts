import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'src/**/*.test.tsx', 'scripts/*.test.ts'],
    globalSetup: ['src/testing/build-programs.ts'],
    // Real processes and sockets take turns on two cores; a test waits for a condition, never for a time.
    testTimeout: 90_000,
    hookTimeout: 90_000,
  },
});
