// npm's `soap` as a client: calls one operation of a service and prints the result as JSON.
//   node client.js WSDL-URL KEY OPERATION ARGUMENTS-AS-JSON
'use strict';
const soap = require('soap');

const [url, key, operation, given] = process.argv.slice(2);
soap.createClientAsync(url).then(async (client) => {
  client.addHttpHeader('X-Api-Key', key);
  try {
    const [result] = await client[`${operation}Async`](JSON.parse(given));
    process.stdout.write(JSON.stringify({ result }));
  } catch (error) {
    const answer = error.root && error.root.Envelope.Body.Fault;
    if (!answer) throw error;
    process.stdout.write(JSON.stringify({ fault: answer }));
  }
}).catch((error) => { process.stderr.write(String(error.stack)); process.exit(1); });
