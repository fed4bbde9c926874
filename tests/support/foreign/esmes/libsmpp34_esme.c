/* An ESME on libsmpp34, for what shape.py says, as one account. Texts are octets to it; long ones go as
 * message_payload. Arguments: port, account, wrong password, password, sender, and for each of short, long and lost
 * its number, octets in hex, data_coding and reference. */

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libsmpp34/smpp34.h>
#include <libsmpp34/smpp34_structs.h>
#include <libsmpp34/smpp34_params.h>

#define PATIENCE 30     /* seconds for the account */
#define MAX_PDU 4096    /* octets */
#define MAX_TEXT 254    /* octets of a short_message */
#define MAX_JSON 1024
#define MESSAGES 3
#define RECEIPTS 2

enum { SHORT, LONG, LOST };

static const char *account;

static void fail(const char *what, const char *detail)
{
    printf("{\"account\": \"%s\", \"error\": \"%s: %s\"}\n", account, what, detail);
    exit(0);
}

static void in_hex(char *hex, const uint8_t *octets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sprintf(hex + 2 * i, "%02x", octets[i]);
    hex[2 * count] = 0;
}

static size_t from_hex(uint8_t *octets, const char *hex)
{
    size_t count = strlen(hex) / 2;
    for (size_t i = 0; i < count; i++) {
        unsigned octet;
        sscanf(hex + 2 * i, "%2x", &octet);
        octets[i] = octet;
    }
    return count;
}

static int dial(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    if (connect(fd, (struct sockaddr *)&address, sizeof address))
        fail("connect", "refused");
    return fd;
}

static void put(int fd, void *pdu)
{
    uint8_t octets[MAX_PDU];
    int count = 0;
    memset(octets, 0, sizeof octets);
    if (smpp34_pack2(octets, sizeof octets, &count, pdu))
        fail("smpp34_pack2", smpp34_strerror);
    if (write(fd, octets, count) != count)
        fail("write", "short");
}

static void take(int fd, uint8_t *octets, size_t count)
{
    while (count > 0) {
        ssize_t came = read(fd, octets, count);
        if (came <= 0)
            fail("read", "the connection ended");
        octets += came;
        count -= came;
    }
}

/* The octets of the next PDU; its command_id. */
static uint32_t next(int fd, uint8_t *octets, uint32_t *length)
{
    uint32_t number;
    take(fd, octets, 4);
    memcpy(&number, octets, 4);
    *length = ntohl(number);
    if (*length < 16 || *length > MAX_PDU)
        fail("next", "wrong command_length");
    take(fd, octets + 4, *length - 4);
    memcpy(&number, octets + 4, 4);
    return ntohl(number);
}

static void unpack(void *pdu, size_t size, uint8_t *octets, uint32_t length)
{
    memset(pdu, 0, size);
    if (smpp34_unpack2(pdu, octets, length))
        fail("smpp34_unpack2", smpp34_strerror);
}

/* The command_status of the answer. */
static uint32_t bind_as(int fd, const char *password)
{
    uint8_t octets[MAX_PDU];
    uint32_t length;
    bind_transceiver_t request = {.command_id = BIND_TRANSCEIVER, .sequence_number = 1};
    bind_transceiver_resp_t answer;
    strncpy((char *)request.system_id, account, sizeof request.system_id - 1);
    strncpy((char *)request.password, password, sizeof request.password - 1);
    request.interface_version = SMPP_VERSION;
    put(fd, &request);
    if (next(fd, octets, &length) != BIND_TRANSCEIVER_RESP)
        fail("bind", "another answer");
    unpack(&answer, sizeof answer, octets, length);
    return answer.command_status;
}

static void submit(int fd, uint32_t sequence, const char *sender, char **errand)
{
    submit_sm_t pdu = {.command_id = SUBMIT_SM, .sequence_number = sequence, .registered_delivery = 1};
    tlv_t reference = {.tag = TLVID_user_message_reference, .length = 2};
    tlv_t payload = {.tag = TLVID_message_payload};
    uint8_t text[MAX_TLV_SIZE];
    size_t count = from_hex(text, errand[1]);
    pdu.source_addr_ton = TON_Alphanumeric;
    strncpy((char *)pdu.source_addr, sender, sizeof pdu.source_addr - 1);
    pdu.dest_addr_ton = TON_International;
    pdu.dest_addr_npi = NPI_ISDN_E163_E164;
    strncpy((char *)pdu.destination_addr, errand[0], sizeof pdu.destination_addr - 1);
    pdu.data_coding = atoi(errand[2]);
    reference.value.val16 = atoi(errand[3]);
    build_tlv(&pdu.tlv, &reference);
    if (count <= MAX_TEXT) {
        memcpy(pdu.short_message, text, count);
        pdu.sm_length = count;
    } else {
        memcpy(payload.value.octet, text, count);
        payload.length = count;
        build_tlv(&pdu.tlv, &payload);
    }
    put(fd, &pdu);
    destroy_tlv(pdu.tlv);
}

/* A receipt, or another message, as JSON; it is acknowledged. Whether it is a receipt. */
static int deliver_sm(int fd, uint8_t *octets, uint32_t length, char *json)
{
    deliver_sm_t pdu;
    tlv_t *tlv;
    char text[2 * MAX_TEXT + 1], message_id[80] = "null", state[8] = "null", reference[8] = "null";
    deliver_sm_resp_t answer = {.command_id = DELIVER_SM_RESP};
    unpack(&pdu, sizeof pdu, octets, length);
    in_hex(text, pdu.short_message, pdu.sm_length);
    smpp34_tlv_for_each(tlv, pdu.tlv) {
        if (tlv->tag == TLVID_receipted_message_id)
            sprintf(message_id, "\"%.65s\"", (char *)tlv->value.octet);
        else if (tlv->tag == TLVID_message_state)
            sprintf(state, "%u", tlv->value.val08);
        else if (tlv->tag == TLVID_user_message_reference)
            sprintf(reference, "%u", tlv->value.val16);
    }
    json += sprintf(json, "{\"source\": \"%s\", \"octets\": \"%s\"", pdu.source_addr, text);
    if (pdu.esm_class & SMPP34_DELIVERY_RECEIPT)
        json += sprintf(json, ", \"message_id\": %s, \"state\": %s, \"reference\": %s", message_id, state, reference);
    else
        json += sprintf(json, ", \"data_coding\": %u", pdu.data_coding);
    strcpy(json, "}");
    destroy_tlv(pdu.tlv);
    answer.sequence_number = pdu.sequence_number;
    put(fd, &answer);
    return pdu.esm_class & SMPP34_DELIVERY_RECEIPT;
}

static int unbind(int fd)
{
    uint8_t octets[MAX_PDU];
    uint32_t length;
    unbind_t request = {.command_id = UNBIND, .sequence_number = 9};
    put(fd, &request);
    return next(fd, octets, &length) == UNBIND_RESP;
}

int main(int count, char **arguments)
{
    uint8_t octets[MAX_PDU];
    uint32_t length, refused, command_id;
    submit_sm_resp_t answers[MESSAGES];
    char receipts[RECEIPTS][MAX_JSON], greeting[MAX_JSON] = "", json[MAX_JSON];
    int port, fd, answered = 0, receipted = 0;

    if (count != 6 + 4 * MESSAGES)
        return 2;
    alarm(PATIENCE);
    port = atoi(arguments[1]);
    account = arguments[2];
    fd = dial(port);
    refused = bind_as(fd, arguments[3]);
    close(fd);
    fd = dial(port);
    if (bind_as(fd, arguments[4]))
        fail("bind", "refused");
    for (int i = 0; i < MESSAGES; i++)
        submit(fd, 2 + i, arguments[5], arguments + 6 + 4 * i);
    while (answered < MESSAGES || receipted < RECEIPTS || !*greeting) {
        command_id = next(fd, octets, &length);
        if (command_id == SUBMIT_SM_RESP && answered < MESSAGES) {
            submit_sm_resp_t answer;
            unpack(&answer, sizeof answer, octets, length);
            answers[(answer.sequence_number - 2) % MESSAGES] = answer;
            answered++;
        } else if (command_id == DELIVER_SM) {
            if (!deliver_sm(fd, octets, length, json))
                strcpy(greeting, json);
            else if (receipted < RECEIPTS)
                strcpy(receipts[receipted++], json);
        }
    }
    printf("{\"account\": \"%s\", \"refused\": %u, \"short\": \"%s\", \"long\": [\"%s\"], \"lost\": %u,"
           " \"receipts\": [%s, %s], \"greetings\": [%s], \"unbound\": %s}\n",
           account, refused, answers[SHORT].message_id, answers[LONG].message_id, answers[LOST].command_status,
           receipts[0], receipts[1], greeting, unbind(fd) ? "true" : "false");
    return 0;
}
