/** `docs/faults.md` is made from the registry; `npx vitest run src/faults/documentation.test.ts -u` writes it anew. */
import { expect, it } from 'vitest';
import { faultTable } from './describe';
import { commonNames } from './parse';
import { presets } from './presets';
import { faults } from './registry';

it('docs/faults.md says what the registry says', async () => {
  const text = `# Faults

Set them in the panel (Faults tab, context menu, presets), or on a node in the foreground:

    micro-cdn content --fault 'latency:delay=200,jitter=20,to=127.0.0.1:5050' --fault hang:begin=10s,for=5s

Each fault takes its own settings, below, and: ${commonNames.map((name) => `\`${name}\``).join(', ')}. \`to\` narrows
it to addresses, \`messages\` to message types, \`first\`, \`each\` and \`chance\` to some of them; \`begin\`, \`for\`,
\`ramp\`, \`on\` and \`off\` are its schedule; the same \`seed\` and the same traffic give the same decisions.

${faultTable(faults)}

## Presets

| preset | what you will observe |
|---|---|
${presets.map(({ label, observe }) => `| ${label} | ${observe} |`).join('\n')}
`;
  await expect(text).toMatchFileSnapshot('../../docs/faults.md');
});
