/* SPDX-License-Identifier: MIT */
/*
 * The examples of the documentation of event patterns: every operator of its table, every
 * example of the sections on arrays, null and empty texts, content filtering and $or, those of
 * SNS's filter policies and of Lambda's event filtering, each beside an event that it matches
 * and, where the text says so, one that it does not. ' stands for ".
 */
#include <support/test.h>

#include <stdio.h>
#include <stdlib.h>

#include <source/pattern.h>

#define EC2 \
	"{'version':'0','id':'6a7e8feb-b491-4cf7-a9f1-bf3703467718','detail-type':" \
	"'EC2 Instance State-change Notification','source':'aws.ec2','account':'111122223333'," \
	"'time':'2017-12-22T18:43:48Z','region':'us-west-1','resources':" \
	"['arn:aws:ec2:us-west-1:123456789012:instance/i-1234567890abcdef0'],'detail':" \
	"{'instance-id':'i-1234567890abcdef0','state':'terminated'}}"

#define LAUNCH \
	"{'version':'0','detail-type':'EC2 Instance Launch Successful','source':" \
	"'aws.autoscaling','time':'2015-11-11T21:31:47Z','resources':[],'detail':" \
	"{'eventVersion':'','responseElements':null}}"

static const struct example {
	const char *pattern, *yes, *no; /* NULL: none */
} examples[] = {
	/* the table of operators */
	{ "{'Location':['New York'],'Day':['Monday']}", "{'Location':'New York','Day':'Monday'}",
	  "{'Location':'New York','Day':'Sunday'}" },
	{ "{'state':[{'anything-but':'initializing'}]}", "{'state':'running'}",
	  "{'state':'initializing'}" },
	{ "{'Region':[{'anything-but':{'prefix':'us-'}}]}", "{'Region':'eu-west-1'}",
	  "{'Region':'us-east-1'}" },
	{ "{'FileName':[{'anything-but':{'suffix':'.png'}}]}", "{'FileName':'a.txt'}",
	  "{'FileName':'a.png'}" },
	{ "{'state':[{'anything-but':{'equals-ignore-case':'initializing'}}]}",
	  "{'state':'running'}", "{'state':'INITIALIZING'}" },
	{ "{'FilePath':[{'anything-but':{'wildcard':'*/lib/*'}}]}", "{'FilePath':'/usr/bin/x'}",
	  "{'FilePath':'/usr/lib/x'}" },
	{ "{'Region':[{'prefix':'us-'}]}", "{'Region':'us-east-1'}", "{'Region':'eu-west-1'}" },
	{ "{'service':[{'prefix':{'equals-ignore-case':'eventb'}}]}", "{'service':'EventBridge'}",
	  "{'service':'event bridge'}" },
	{ "{'LastName':['']}", "{'LastName':''}", "{'LastName':null}" },
	{ "{'Name':['Alice']}", "{'Name':'Alice'}", "{'Name':'alice'}" },
	{ "{'Name':[{'equals-ignore-case':'alice'}]}", "{'Name':'ALICE'}", "{'Name':'Alic'}" },
	{ "{'FileName':[{'suffix':'.png'}]}", "{'FileName':'a.png'}", "{'FileName':'a.png.gz'}" },
	{ "{'service':[{'suffix':{'equals-ignore-case':'tbridge'}}]}", "{'service':'EVENTBRIDGE'}",
	  "{'service':'eventbridges'}" },
	{ "{'ProductName':[{'exists':true}]}", "{'ProductName':'x'}", "{'Other':1}" },
	{ "{'ProductName':[{'exists':false}]}", "{'Other':1}", "{'ProductName':'x'}" },
	{ "{'Weather':[{'anything-but':['Raining']}]}", "{'Weather':'Sunny'}",
	  "{'Weather':'Raining'}" },
	{ "{'UserID':[null]}", "{'UserID':null}", "{'UserID':''}" },
	{ "{'Price':[{'numeric':['=',100]}]}", "{'Price':100.0}", "{'Price':101}" },
	{ "{'Price':[{'numeric':['>',10,'<=',20]}]}", "{'Price':20}", "{'Price':10}" },
	{ "{'PaymentType':['Credit','Debit']}", "{'PaymentType':'Debit'}",
	  "{'PaymentType':'Cash'}" },
	{ "{'$or':[{'Location':['New York']},{'Day':['Monday']}]}",
	  "{'Location':'Rome','Day':'Monday'}", "{'Location':'Rome','Day':'Sunday'}" },
	{ "{'FileName':[{'wildcard':'dir/*.png'}]}", "{'FileName':'dir/a/b.png'}",
	  "{'FileName':'other/b.png'}" },

	/* what a pattern is */
	{ "{'source':['aws.ec2'],'detail-type':['EC2 Instance State-change Notification'],"
	  "'detail':{'state':['terminated']}}",
	  EC2, LAUNCH },
	{ "{'source':['aws.ec2']}", EC2, LAUNCH },
	{ "{'source':['aws.ec2'],'detail-type':['EC2 Instance State-change Notification'],"
	  "'detail':{'state':['running']}}",
	  NULL, EC2 },
	{ "{'resources':[{'prefix':'arn:aws:ec2:us-west-1:'}]}", EC2, LAUNCH },

	/* null values and empty texts */
	{ "{'detail':{'eventVersion':['']}}", LAUNCH, "{'detail':{'eventVersion':null}}" },
	{ "{'detail':{'responseElements':[null]}}", LAUNCH, "{'detail':{'responseElements':''}}" },

	/* arrays */
	{ "{'resources':['arn:aws:ec2:us-east-1:123456789012:instance/i-b188560f',"
	  "'arn:aws:ec2:us-east-1:111122223333:instance/i-b188560f',"
	  "'arn:aws:ec2:us-east-1:444455556666:instance/i-b188560f']}",
	  "{'resources':['arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:eb56d16b',"
	  "'arn:aws:ec2:us-east-1:123456789012:instance/i-b188560f']}",
	  "{'resources':['arn:aws:ec2:us-east-1:123456789012:instance/i-other']}" },

	/* prefix and suffix */
	{ "{'time':[{'prefix':'2017-10-02'}]}", "{'time':'2017-10-02T18:43:48Z'}",
	  "{'time':'2017-10-03T18:43:48Z'}" },
	{ "{'source':['aws.autoscaling'],'region':[{'prefix':'eu-'}]}",
	  "{'source':'aws.autoscaling','region':'eu-west-1'}",
	  "{'source':'aws.autoscaling','region':'us-west-1'}" },
	{ "{'detail':{'service':[{'prefix':{'equals-ignore-case':'EventB'}}]}}",
	  "{'detail':{'service':'EVENTBridge'}}", "{'detail':{'service':'Events'}}" },
	{ "{'detail':{'FileName':[{'suffix':{'equals-ignore-case':'.png'}}]}}",
	  "{'detail':{'FileName':'a.PNG'}}", "{'detail':{'FileName':'a.jpg'}}" },

	/* anything but */
	{ "{'detail':{'x-limit':[{'anything-but':123}]}}", "{'detail':{'x-limit':124}}",
	  "{'detail':{'x-limit':123}}" },
	{ "{'detail':{'state':[{'anything-but':['stopped','overloaded']}]}}",
	  "{'detail':{'state':'running'}}", "{'detail':{'state':'overloaded'}}" },
	{ "{'detail':{'x-limit':[{'anything-but':[100,200,300]}]}}", "{'detail':{'x-limit':150}}",
	  "{'detail':{'x-limit':200}}" },
	{ "{'detail':{'state':[{'anything-but':{'equals-ignore-case':'initializing'}}]}}",
	  "{'detail':{'state':'stopped'}}", "{'detail':{'state':'Initializing'}}" },
	{ "{'detail':{'state':[{'anything-but':{'equals-ignore-case':['initializing','stopped']}}]}"
	  "}",
	  "{'detail':{'state':'running'}}", "{'detail':{'state':'STOPPED'}}" },
	{ "{'detail':{'state':[{'anything-but':{'prefix':'init'}}]}}",
	  "{'detail':{'state':'stopped'}}", "{'detail':{'state':'initializing'}}" },
	{ "{'detail':{'state':[{'anything-but':{'prefix':['init','error']}}]}}",
	  "{'detail':{'state':'stopped'}}", "{'detail':{'state':'errors'}}" },
	{ "{'detail':{'FileName':[{'anything-but':{'suffix':'.txt'}}]}}",
	  "{'detail':{'FileName':'a.rtf'}}", "{'detail':{'FileName':'a.txt'}}" },
	{ "{'detail':{'FileName':[{'anything-but':{'suffix':['.txt','.rtf']}}]}}",
	  "{'detail':{'FileName':'a.png'}}", "{'detail':{'FileName':'a.rtf'}}" },
	{ "{'detail':{'FilePath':[{'anything-but':{'wildcard':'*/lib/*'}}]}}",
	  "{'detail':{'FilePath':'/etc/x'}}", "{'detail':{'FilePath':'/a/lib/x'}}" },
	{ "{'detail':{'FilePath':[{'anything-but':{'wildcard':['*/lib/*','*/bin/*']}}]}}",
	  "{'detail':{'FilePath':'/etc/x'}}", "{'detail':{'FilePath':'/a/bin/x'}}" },

	/* numbers */
	{ "{'detail':{'c-count':[{'numeric':['>',0,'<=',5]}],'d-count':[{'numeric':['<',10]}],"
	  "'x-limit':[{'numeric':['=',3.018e2]}]}}",
	  "{'detail':{'c-count':5,'d-count':-1,'x-limit':301.8}}",
	  "{'detail':{'c-count':5,'d-count':10,'x-limit':301.8}}" },
	{ "{'n':[{'numeric':['<',-1.0e9]}]}", "{'n':-1000000001}", "{'n':-1e9}" },

	/* addresses */
	{ "{'detail':{'sourceIPAddress':[{'cidr':'10.0.0.0/24'}]}}",
	  "{'detail':{'sourceIPAddress':'10.0.0.255'}}",
	  "{'detail':{'sourceIPAddress':'10.0.1.255'}}" },
	{ "{'source-ip':[{'cidr':'2001:db8:1234:1a00::/56'}]}",
	  "{'source-ip':'2001:db8:1234:1a7f::1'}", "{'source-ip':'2001:db8:1234:1b00::1'}" },

	/* what exists */
	{ "{'detail':{'state':[{'exists':true}]}}", EC2, "{'detail':{'c':1}}" },
	{ "{'detail':{'c-count':[{'exists':false}]}}", EC2, "{'detail':{'c-count':5}}" },
	{ "{'detail-type':['EC2 Instance State-change Notification'],'resources':"
	  "['arn:aws:ec2:us-east-1:123456789012:instance/i-02ebd4584a2ebd341'],'detail':"
	  "{'state':['initializing','running']}}",
	  "{'detail-type':'EC2 Instance State-change Notification','resources':"
	  "['arn:aws:ec2:us-east-1:123456789012:instance/i-02ebd4584a2ebd341'],'detail':"
	  "{'state':'running'}}",
	  EC2 },

	/* whatever the case */
	{ "{'detail-type':[{'equals-ignore-case':'ec2 instance state-change notification'}]}", EC2,
	  LAUNCH },

	/* wildcards */
	{ "{'EventBusArn':[{'wildcard':'*:event-bus/*'}]}",
	  "{'EventBusArn':'arn:aws:events:us-east-1:123456789012:event-bus/myEventBus'}",
	  "{'EventBusArn':'arn:aws:events:us-east-1:123456789012:rule/x'}" },
	{ "{'FileName':[{'wildcard':'dir/*.png'}]}", "{'FileName':'dir/.png'}",
	  "{'FileName':'dirs/x.png'}" },
	{ "{'FilePath':[{'wildcard':'*/dir/*'}]}", "{'FilePath':'a/dir/b'}",
	  "{'FilePath':'a/dirs/b'}" },
	{ "{'a':[{'wildcard':'a\\\\*b'}]}", "{'a':'a*b'}", "{'a':'a1b'}" },
	{ "{'a':[{'wildcard':'a\\\\\\\\b*'}]}", "{'a':'a\\\\bc'}", "{'a':'abc'}" },

	/* several at once, and $or */
	{ "{'time':[{'prefix':'2017-10-02'}],'detail':{'state':[{'anything-but':'initializing'}],"
	  "'c-count':[{'numeric':['>',0,'<=',5]}],'d-count':[{'numeric':['<',10]}],'x-limit':"
	  "[{'anything-but':[100,200,300]}]}}",
	  "{'time':'2017-10-02T18:43:48Z','detail':{'state':'running','c-count':1,'d-count':9,"
	  "'x-limit':301.8}}",
	  "{'time':'2017-10-02T18:43:48Z','detail':{'state':'running','c-count':1,'d-count':9,"
	  "'x-limit':300}}" },
	{ "{'detail':{'$or':[{'c-count':[{'numeric':['>',0,'<=',5]}]},{'d-count':[{'numeric':"
	  "['<',10]}]},{'x-limit':[{'numeric':['=',3.018e2]}]}]}}",
	  "{'detail':{'c-count':9,'d-count':11,'x-limit':301.8}}",
	  "{'detail':{'c-count':9,'d-count':11,'x-limit':301}}" },
	{ "{'source':['aws.cloudwatch'],'$or':[{'metricName':['CPUUtilization','ReadLatency']},"
	  "{'metricType':['MetricType'],'namespace':['AWS/EC2','AWS/ES']}]}",
	  "{'source':'aws.cloudwatch','metricType':'MetricType','namespace':'AWS/ES'}",
	  "{'source':'aws.cloudwatch','metricType':'MetricType','namespace':'AWS/S3'}" },
	{ "{'detail':{'detail.location':[{'prefix':'eu-'}],'$or':[{'a':[1]},{'b':[{'exists':false}]"
	  "}]}}",
	  "{'detail':{'detail':{'location':'eu-1'},'c':1}}",
	  "{'detail':{'detail':{'location':'eu-1'},'a':2,'b':1}}" },

	/* filter policies of SNS */
	{ "{'store':['example_corp'],'event':[{'anything-but':'order_cancelled'}],"
	  "'customer_interests':['rugby','football','baseball'],'price_usd':[{'numeric':['>=',100]}"
	  "]}",
	  "{'store':'example_corp','event':'order_placed','customer_interests':['soccer','rugby',"
	  "'hockey'],'price_usd':210.75}",
	  "{'store':'example_corp','event':'order_cancelled','customer_interests':['rugby'],"
	  "'price_usd':210.75}" },
	{ "{'customer_interests':[{'anything-but':['rugby','tennis']}]}",
	  "{'customer_interests':['rugby','baseball']}", "{'customer_interests':'rugby'}" },
	{ "{'customer_interests':[{'anything-but':{'suffix':'ball'}}]}",
	  "{'customer_interests':'rugby'}", "{'customer_interests':'basketball'}" },
	{ "{'customer_interests':[{'prefix':'bas'}]}", "{'customer_interests':'baseball'}",
	  "{'customer_interests':'rugby'}" },
	{ "{'customer_interests':[{'suffix':'ball'}]}", "{'customer_interests':'football'}",
	  "{'customer_interests':'rugby'}" },
	{ "{'customer_interests':[{'equals-ignore-case':'tennis'}]}",
	  "{'customer_interests':'Tennis'}", "{'customer_interests':'tennis2'}" },
	{ "{'customer_interests':[{'wildcard':'*ball'}]}", "{'customer_interests':'baseball'}",
	  "{'customer_interests':'rugby'}" },
	{ "{'source_ip':[{'cidr':'10.0.0.0/24'}]}", "{'source_ip':'10.0.0.0'}",
	  "{'source_ip':'10.1.1.0'}" },
	{ "{'price':[{'anything-but':[100,500]}]}", "{'price':101}", "{'price':100}" },
	{ "{'price':[{'numeric':['=',301.5]}]}", "{'price':3.015e2}", "{'price':300}" },
	{ "{'price_usd':[{'numeric':['>',0,'<=',150]}]}", "{'price_usd':1.5e2}",
	  "{'price_usd':150.5}" },
	{ "{'store':[{'exists':true}]}", "{'store':['fashion','new']}", "{'customer':1}" },
	{ "{'$or':[{'metricName':['CPUUtilization']},{'namespace':['AWS/EC2']}]}",
	  "{'namespace':'AWS/EC2'}", "{'namespace':'AWS/ES','metricName':'ReadLatency'}" },
	{ "{'source':['aws.cloudwatch'],'$or':[{'metricName':['CPUUtilization','ReadLatency']},"
	  "{'namespace':['AWS/EC2','AWS/ES']}]}",
	  "{'source':'aws.cloudwatch','metricName':"
	  "'CPUUtilization'}",
	  "{'source':'aws.ec2','metricName':'CPUUtilization'}" },

	/* event filtering of Lambda */
	{ "{'Metadata1':['pattern1'],'Data1':['x',null]}", "{'Metadata1':'pattern1','Data1':null}",
	  "{'Metadata1':'pattern1'}" },
	{ "{'data':{'Location':['Los Angeles'],'Temperature':[{'numeric':['>',50,'<=',60]}]}}",
	  "{'data':{'Location':'Los Angeles','Temperature':60}}",
	  "{'data':{'Location':'Los Angeles','Temperature':50}}" },
	{ "{'eventName':['INSERT'],'dynamodb':{'Keys':{'CustomerName':{'S':['AnyCompany "
	  "Industries']}}}}",
	  "{'eventName':'INSERT','dynamodb':{'Keys':{'CustomerName':{'S':'AnyCompany "
	  "Industries'}}}}",
	  "{'eventName':'MODIFY','dynamodb':{'Keys':{'CustomerName':{'S':'AnyCompany "
	  "Industries'}}}}" },
	{ "{'dynamodb':{'NewImage':{'pizza':{'S':[{'exists':false}]}}}}",
	  "{'dynamodb':{'NewImage':{'pasta':{'S':'x'}}}}",
	  "{'dynamodb':{'NewImage':{'pizza':{'S':'x'}}}}" },
	{ "{'body':{'City':['Seattle'],'RequestCode':['BBBB']}}",
	  "{'body':{'City':'Seattle','RequestCode':'BBBB'}}",
	  "{'body':{'City':'Seattle','RequestCode':'AAAA'}}" },
};

static char *quoted(const char *text)
{
	char *copy = strdup(text);

	for (char *at = copy; *at; at++)
		if (*at == '\'')
			*at = '"';
	return copy;
}

static void says(const char *pattern_text, const char *event_text, bool want)
{
	char *pattern = quoted(pattern_text), *event = quoted(event_text);
	struct faas_error err = { 0 };
	struct fa_pattern *p = fa_pattern_create(&fa_mem_libc, pattern, &err);
	struct fa_json value;

	if (!p)
		fail_msg("%s: %s", pattern, err.message);
	if (!fa_json_read(event, strlen(event), &value))
		fail_msg("no JSON: %s", event);
	if (fa_pattern_matches(p, value) != want)
		fail_msg("%s should %smatch %s", pattern, want ? "" : "not ", event);
	fa_pattern_destroy(p);
	free(pattern);
	free(event);
}

TEST(each_example_of_the_documentation_matches_what_it_says)
{
	for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
		if (examples[i].yes)
			says(examples[i].pattern, examples[i].yes, true);
		if (examples[i].no)
			says(examples[i].pattern, examples[i].no, false);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_example_of_the_documentation_matches_what_it_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
