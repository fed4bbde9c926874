'use strict';
// An ESME on node-smpp, for what shape.py says. It encodes by itself: a text that GSM 03.38 does not hold goes in
// UCS-2, and one that is too long as message_payload.

const smpp = require('smpp');

const PATIENCE = 30000; // milliseconds for one account
const task = JSON.parse(process.argv[2]);

function tell(line) {
  process.stdout.write(JSON.stringify(line) + '\n');
}

function connected() {
  return new Promise((resolve, reject) => {
    const session = smpp.connect({ host: '127.0.0.1', port: task.port }, () => resolve(session));
    session.on('error', reject);
  });
}

function ask(session, command, fields) {
  return new Promise((resolve, reject) => {
    session.on('error', reject);
    session.once('close', () => reject(new Error(`closed before ${command} was answered`)));
    session[command](fields, resolve);
  });
}

function bind(session, order, password) {
  return ask(session, 'bind_transceiver', { system_id: order.account, password });
}

function submit(session, errand) {
  const fits = errand.octets.length <= 2 * 254;
  return ask(session, 'submit_sm', {
    source_addr_ton: 5,
    source_addr: task.sender,
    dest_addr_ton: 1,
    dest_addr_npi: 1,
    destination_addr: errand.to,
    registered_delivery: 1,
    user_message_reference: errand.reference,
    ...(fits ? { short_message: errand.text } : { message_payload: errand.text, data_coding: errand.data_coding }),
  });
}

function greeting(pdu) {
  const octets = Buffer.from(pdu.short_message.message, 'utf16le').swap16();
  return { source: pdu.source_addr, octets: octets.toString('hex') };
}

function receipt(pdu) {
  const text = pdu.short_message.message;
  return {
    source: pdu.source_addr,
    octets: Buffer.from(text, 'latin1').toString('hex'),
    message_id: pdu.receipted_message_id === undefined ? null : String(pdu.receipted_message_id),
    state: pdu.message_state === undefined ? null : pdu.message_state,
    reference: pdu.user_message_reference === undefined ? null : pdu.user_message_reference,
  };
}

async function visit(order) {
  const stranger = await connected();
  const refused = (await bind(stranger, order, task.wrong)).command_status;
  stranger.close();
  const receipts = [];
  const greetings = [];
  const session = await connected();
  const complete = new Promise((resolve) => {
    session.on('deliver_sm', (pdu) => {
      if (pdu.esm_class & 4) {
        receipts.push(receipt(pdu));
      } else {
        greetings.push(greeting(pdu));
      }
      session.send(pdu.response());
      if (receipts.length === 2 && greetings.length === 1) {
        resolve();
      }
    });
  });
  const bound = await bind(session, order, task.password);
  if (bound.command_status) {
    throw new Error(`bind refused: ${bound.command_status}`);
  }
  const short = await submit(session, order.short);
  const long = await submit(session, order.long);
  const lost = await submit(session, order.lost);
  await complete;
  const unbound = await ask(session, 'unbind', {});
  session.close();
  return {
    account: order.account,
    refused,
    short: short.message_id,
    long: [long.message_id],
    lost: lost.command_status,
    receipts,
    greetings,
    unbound: unbound.command === 'unbind_resp' && unbound.command_status === 0,
  };
}

const expired = setTimeout(() => process.exit(1), PATIENCE);
const visits = task.orders.map((order) =>
  visit(order).then(tell, (error) => tell({ account: order.account, error: String(error) })));
Promise.all(visits).then(() => clearTimeout(expired));
