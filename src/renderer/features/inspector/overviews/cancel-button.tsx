import { Button } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { useRun } from '../../../studio-context';

/** Ends what a client is getting; its kind has an operation `cancel`. */
export function CancelButton({ node }: { node: string }) {
  const run = useRun();
  return (
    <Button
      size="compact-sm"
      leftSection={<IconX size={14} />}
      onClick={() => void run('nodes.operate', { id: node, operation: 'cancel' })}
    >
      Cancel
    </Button>
  );
}
