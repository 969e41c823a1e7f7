// A MES of its own making: the typed WSDL served by npm's `soap`, an implementation of SOAP independent of zeep's.
//   node server.js WSDL      prints {"port": ...}; /mes speaks SOAP 1.1, /mes12 SOAP 1.2; key: header X-Api-Key
'use strict';
const fs = require('fs');
const http = require('http');
const soap = require('soap');

const KEY = 'peer-key-of-the-hub';
const iso = (time) => new Date(time).toISOString(); // npm's soap writes a Date inside a list as nothing
const started = iso(Date.now() - 20 * 60 * 1000);
const fault = (code, reason) => ({ Fault: { faultcode: code, faultstring: reason, statusCode: 500 } });
const fault12 = (code, reason) => ({
  Fault: { Code: { Value: `soap:${code === 'Client' ? 'Sender' : 'Receiver'}` }, Reason: { Text: reason }, statusCode: 500 },
});

const machines = ['press-7', 'cnc-3'].map((id) => ({ equipmentId: id, name: `机器 <${id}> & co`, status: 'running', changedAt: started }));
const stops = [];
for (let n = 0; n < 25; n += 1) {
  stops.push({
    id: `S-${String(n).padStart(3, '0')}`, equipmentId: 'press-7', reasonCode: 'E-07', reasonText: '主轴过热', planned: false,
    start: started, end: n === 24 ? undefined : iso(Date.parse(started) + 60000), durationSec: n === 24 ? undefined : '60.50',
    changedAt: started,
  });
}
const orders = new Map();
const inspections = [{
  id: 'IQC-1', itemCode: 'BRG-6205', batchNo: 'L1', supplierCode: 'V001', inbound: true, result: '合格', inspectedQty: '50.000',
  defectQty: '0', inspectedAt: started, changedAt: started,
}];

function list(rows, args, matches) {
  const since = args.changedSince ? new Date(args.changedSince) : new Date(0);
  const until = args.changedUntil ? new Date(args.changedUntil) : new Date(8.64e15);
  const found = rows.filter((row) => new Date(row.changedAt) >= since && new Date(row.changedAt) <= until && matches(row));
  const from = (Number(args.pageIndex) - 1) * Number(args.pageSize);
  return { asOf: iso(Date.now()), total: found.length, row: found.slice(from, from + Number(args.pageSize)) };
}

function operations(made) {
  const known = (id) => {
    if (!machines.some((machine) => machine.equipmentId === id)) throw made('Client', `NotFound: ${id}`);
  };
  const period = (id, from, to) => ({
    id: `${id}/1`, equipmentId: id, from: iso(from), to: iso(to), plannedBusyTime: '14400', actualProductionTime: '12960',
    plannedRunTimePerItem: '12', producedQty: '925', goodQty: '900', changedAt: started,
  });
  return {
    GetServiceInfo: () => ({ name: 'npm soap', version: require('soap/package.json').version, time: iso(Date.now()) }),
    GetEquipment: (args) => list(machines, args, (row) => !args.equipmentId || row.equipmentId === args.equipmentId),
    GetDowntimeEvents: (args) => {
      if (args.equipmentId) known(args.equipmentId);
      return list(stops, args, (row) => !args.equipmentId || row.equipmentId === args.equipmentId);
    },
    GetOEEPeriods: (args) => list([period('press-7', 0, started)], args, () => true),
    GetEquipmentOEE: (args) => {
      known(args.equipmentId);
      return { asOf: iso(Date.now()), total: 1, row: period(args.equipmentId, args.from, args.to) };
    },
    GetWorkOrder: (args) => {
      const found = [...orders.values()].filter((o) => o.requestId === args.requestId || o.orderNo === args.orderNo);
      return { asOf: iso(Date.now()), total: found.length, row: found[0] };
    },
    GetWorkOrders: (args) => list([...orders.values()], args, (row) => !args.equipmentId || row.equipmentId === args.equipmentId),
    GetInspections: (args) => list(inspections, args, (row) => (!args.itemCode || row.itemCode === args.itemCode)
      && (!args.batchNo || row.batchNo === args.batchNo)),
    ReportWorkOrder: (args) => {
      known(args.equipmentId);
      if (args.description === 'crash') throw made('Server', 'database is gone');
      const before = orders.get(args.requestId);
      if (before) return { accepted: true, duplicate: true, mesOrderNo: before.orderNo };
      const order = {
        orderNo: `MO-${orders.size + 1}`, type: 'maintenance', status: 'reported', equipmentId: args.equipmentId,
        description: args.description, externalNo: args.orderNo, requestId: args.requestId, changedAt: iso(Date.now()),
      };
      orders.set(args.requestId, order);
      return { accepted: true, duplicate: false, mesOrderNo: order.orderNo };
    },
  };
}

const wsdl = fs.readFileSync(process.argv[2], 'utf8');
const server = http.createServer((request, response) => { response.statusCode = 404; response.end(); });
const guard = (request, response) => {
  if (request.headers['x-api-key'] === KEY) return true;
  response.statusCode = 401;
  return false;
};
server.listen(0, '127.0.0.1', () => {
  const first = soap.listen(server, { path: '/mes', services: { MesService: { MesPort11: operations(fault) } }, xml: wsdl });
  const second = soap.listen(server, {
    path: '/mes12', services: { MesService: { MesPort12: operations(fault12) } }, xml: wsdl, forceSoap12Headers: true,
  });
  first.authorizeConnection = guard;
  second.authorizeConnection = guard;
  process.stdout.write(`${JSON.stringify({ port: server.address().port })}\n`);
});
