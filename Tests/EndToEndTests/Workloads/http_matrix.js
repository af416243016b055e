// A server of node: answers of many parts, compressed ones, and errors. Says "ready" and its port.
const http = require('http');
const zlib = require('zlib');

const rows = (count) => Array.from({length: count}, (_, number) => `row ${number}\n`);

http.createServer((request, response) => {
  request.resume();
  switch (request.url) {
    case '/rows':
      response.writeHead(200, {'Content-Type': 'text/plain'});
      for (const row of rows(600)) response.write(row);
      return response.end();
    case '/packed':
      response.writeHead(200, {'Content-Type': 'text/plain', 'Content-Encoding': 'gzip'});
      return zlib.createGzip().on('data', (data) => response.write(data)).on('end', () => response.end())
          .end(rows(3000).join(''));
    case '/large':
      return response.end(Buffer.alloc(300000));
    case '/missing':
      response.writeHead(404, {'Content-Type': 'text/plain'});
      return response.end('no such thing');
    case '/broken':
      response.writeHead(500, {'Content-Type': 'text/plain'});
      for (const row of rows(40)) response.write(row);
      return response.end();
    case '/empty':
      response.writeHead(204);
      return response.end();
    default:
      return response.end('ok');
  }
}).listen(0, '127.0.0.1', function() { console.log('ready ' + this.address().port); });
