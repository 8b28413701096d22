/** What is on the wire, as a list and as a sequence diagram, narrowed by link and kind. */
import { expect, test } from './fixtures';

test('a registration is drawn as arrows between the server and the index', async ({ studio }) => {
  await studio.buildSample();
  await studio.openDock('Messages');
  await studio.dock.getByText('Diagram', { exact: true }).click();
  await expect(
    studio.arrow(/CS1 to Monitor1, UDP: HEARTBEAT CS1 .*, received after \d+ ms/).first(),
  ).toBeAttached();
  await studio.act('CS1', 'Restart');
  await studio.narrowMessages('Link', 'CS1 ↔ Index1');
  await expect(studio.arrow(/CS1 to Index1, TCP: REGISTER CS1 .*, received after/)).toBeAttached();
  await expect(studio.arrow(/Index1 to CS1, TCP: OK REGISTERED.*, received after/)).toBeAttached();
  await expect(studio.arrow(/HEARTBEAT/)).toHaveCount(0);

  // One stop of the keyboard, and the arrow keys from there.
  await studio.arrow(/OK REGISTERED/).focus();
  await studio.page.keyboard.press('Home');
  await expect(studio.arrow(/./).first()).toBeFocused();

  await studio.narrowMessages('Kinds of message', 'REGISTER');
  await expect(studio.arrow(/OK REGISTERED/)).toHaveCount(0);
  await studio.dock.getByText('List', { exact: true }).click();
  // It is one arrow, and a record at either end.
  await expect(studio.dock.getByRole('row').filter({ hasText: 'REGISTER CS1' })).toHaveCount(2);
  await expect(studio.dock.getByRole('row').filter({ hasText: 'OK REGISTERED' })).toHaveCount(0);
});
