'use strict';
// A message centre on node-smpp. Options come as one JSON object in the command line; the test is told of events,
// and says what to deliver, in lines of JSON (tests/support/foreign/process.py). Ends with its standard input.

const readline = require('node:readline');
const smpp = require('smpp');

const STATES = { DELIVRD: 2, EXPIRED: 3, DELETED: 4, UNDELIV: 5, ACCEPTD: 6, UNKNOWN: 7, REJECTD: 8 };
const INTERNATIONAL = 1; // TON
const ISDN = 1; // NPI
const RECEIPT = 0x04; // esm_class
const RETRY = 20; // milliseconds between two looks for somebody who can receive

const options = JSON.parse(process.argv[2]);
const sessions = new Set();
let lastId = 0;

// Texts are wanted as octets: the test looks at what was sent, not at what node-smpp makes of it.
smpp.filters.message.decode = (value) => value;

function tell(event) {
  process.stdout.write(JSON.stringify(event) + '\n');
}

function tlvsOf(pdu) {
  const tlvs = {};
  for (const [name, value] of Object.entries(pdu)) {
    if (Buffer.isBuffer(value) && /^\d+$/.test(name)) {
      tlvs[name] = value.toString('hex'); // one that node-smpp does not know
    } else if (smpp.tlvs[name]) {
      const { id, type } = smpp.tlvs[name];
      const octets = Buffer.alloc(type.size(value));
      type.write(value, octets, 0);
      tlvs[id] = octets.toString('hex');
    }
  }
  return tlvs;
}

function submitted(pdu, messageId) {
  return {
    event: 'submitted',
    sequence: pdu.sequence_number,
    message_id: messageId,
    source: pdu.source_addr,
    source_ton: pdu.source_addr_ton,
    source_npi: pdu.source_addr_npi,
    destination: pdu.destination_addr,
    destination_ton: pdu.dest_addr_ton,
    destination_npi: pdu.dest_addr_npi,
    esm_class: pdu.esm_class,
    data_coding: pdu.data_coding,
    registered_delivery: pdu.registered_delivery,
    short_message: Buffer.from(pdu.short_message).toString('hex'),
    tlvs: tlvsOf(pdu),
  };
}

function receiptText(messageId) {
  const now = new Date().toISOString().replace(/\D/g, '').slice(2, 12);
  const [delivered, error] = options.stat === 'DELIVRD' ? ['001', '000'] : ['000', '001'];
  return `id:${messageId} sub:001 dlvrd:${delivered} submit date:${now} done date:${now} `
    + `stat:${options.stat} err:${error} text:`;
}

function receiver(systemId) {
  for (const session of sessions) {
    if (session.receives && (systemId === null || session.systemId === systemId)) {
      return session;
    }
  }
  return null;
}

function report(session, pdu, messageId) {
  const taker = session.receives && sessions.has(session) ? session : receiver(session.systemId);
  if (taker === null) {
    setTimeout(() => report(session, pdu, messageId), RETRY);
    return;
  }
  taker.deliver_sm({
    source_addr: pdu.destination_addr,
    source_addr_ton: pdu.dest_addr_ton,
    source_addr_npi: pdu.dest_addr_npi,
    destination_addr: pdu.source_addr,
    dest_addr_ton: pdu.source_addr_ton,
    dest_addr_npi: pdu.source_addr_npi,
    esm_class: RECEIPT,
    data_coding: 0,
    short_message: Buffer.from(receiptText(messageId), 'ascii'),
    receipted_message_id: messageId,
    message_state: STATES[options.stat],
  }, (answer) => tell({ event: 'receipted', message_id: messageId, status: answer.command_status }));
}

function take(session, pdu) {
  if (!session.sends) {
    session.send(pdu.response({ command_status: smpp.ESME_RINVBNDSTS }));
    return;
  }
  lastId += 1;
  const messageId = `node-${lastId}`;
  tell(submitted(pdu, messageId));
  setTimeout(() => {
    session.send(pdu.response({ message_id: messageId }));
    if (pdu.registered_delivery & 1) {
      setTimeout(() => report(session, pdu, messageId), options.receipt_delay * 1000);
    }
  }, options.answer_delay * 1000);
}

function bind(session, pdu, sends, receives) {
  if (session.systemId !== undefined) {
    session.send(pdu.response({ command_status: smpp.ESME_RALYBND }));
  } else if (options.password !== null && pdu.password !== options.password) {
    session.send(pdu.response({ command_status: smpp.ESME_RINVPASWD }));
  } else {
    Object.assign(session, { systemId: pdu.system_id, sends, receives });
    session.send(pdu.response({ system_id: 'node', sc_interface_version: 0x34 }));
  }
}

function serve(session) {
  sessions.add(session);
  session.on('bind_transmitter', (pdu) => bind(session, pdu, true, false));
  session.on('bind_receiver', (pdu) => bind(session, pdu, false, true));
  session.on('bind_transceiver', (pdu) => bind(session, pdu, true, true));
  session.on('submit_sm', (pdu) => take(session, pdu));
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => session.send(pdu.response(), () => session.close()));
  session.on('unknown', (pdu) => session.send(pdu.response()));
  session.on('error', () => session.destroy());
  session.on('close', () => sessions.delete(session));
}

function deliver(order) {
  const taker = receiver(null);
  if (taker === null) {
    setTimeout(() => deliver(order), RETRY);
    return;
  }
  taker.deliver_sm({
    source_addr: order.source,
    source_addr_ton: INTERNATIONAL,
    source_addr_npi: ISDN,
    destination_addr: order.destination,
    dest_addr_ton: INTERNATIONAL,
    dest_addr_npi: ISDN,
    data_coding: order.data_coding,
    short_message: Buffer.from(order.octets, 'hex'),
  }, (answer) => tell({ event: 'delivered', token: order.token, status: answer.command_status }));
}

const server = smpp.createServer(serve);
server.listen(options.port, '127.0.0.1', () => tell({ event: 'listening', port: server.address().port }));
const orders = readline.createInterface({ input: process.stdin });
orders.on('line', (line) => deliver(JSON.parse(line)));
orders.on('close', () => process.exit(0));
