// Sends a problem, its updates and its recovery to Weft. Zabbix runs this as the script of a webhook media type; the
// parameters are set by Weft's installer. What Zabbix could not resolve stays as "{MACRO}" and Weft reads it as nothing.
var OWN = ['url', 'token', 'secret', 'http_proxy'];

function isSet(text) {
    return typeof text === 'string' && text !== '' && text.charAt(0) !== '{';
}

try {
    var params = JSON.parse(value), message = {}, name;
    for (name in params) {
        if (OWN.indexOf(name) === -1) {
            message[name] = params[name];
        }
    }
    if (!isSet(params.url)) {
        throw 'the parameter "url" is not set';
    }

    var body = JSON.stringify(message), request = new HttpRequest();
    request.addHeader('Content-Type: application/json');
    if (isSet(params.token)) {
        request.addHeader('Authorization: Bearer ' + params.token);
    }
    if (isSet(params.secret)) {
        request.addHeader('X-Weft-Signature: sha256=' + hmac('sha256', params.secret, body));
    }
    if (isSet(params.http_proxy)) {
        request.setProxy(params.http_proxy);
    }

    var answer = request.post(params.url, body), status = request.getStatus();
    if (status < 200 || status > 299) {
        throw 'the hub answered HTTP ' + status;
    }

    // Tags go to the event with every message that returns some: only the first message of a problem may.
    var tags = {};
    if (params.event_value === '1' && params.event_update_status === '0') {
        try {
            var id = JSON.parse(answer).message_id;
            if (id !== undefined && id !== null && String(id) !== '') {
                tags.weft_message = String(id);
            }
        }
        catch (notJson) {
            Zabbix.log(3, '[Weft] the answer holds no message_id');
        }
    }
    return JSON.stringify({tags: tags});
}
catch (error) {
    Zabbix.log(3, '[Weft] not sent: ' + error);
    throw 'Weft: ' + error;
}
